import type { FloodGate } from './flood-gate.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

/** What the functions of events are made of. */
export interface Reporter {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Runs what reports, so that it cannot fail whoever reports. */
  readonly never: (report: () => void) => void;
  /** Keeps trouble that repeats from filling the log. */
  readonly gate: FloodGate;
}
