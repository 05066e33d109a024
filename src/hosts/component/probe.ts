import type { Clock } from '../../xmpp/clock.js';
import { systemClock } from '../system-clock.js';
import { Connection, type ConnectionLimits, defaultConnectionLimits } from './connection.js';
import type { Destination, HostFailure } from './failure.js';

export interface ProbeOptions extends Destination {
  readonly secret: string;
  readonly limits?: Partial<ConnectionLimits>;
  readonly clock?: Clock;
}

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly failure: HostFailure };

/**
 * Connects as the component, shakes hands and closes again: what would happen if the component started now. Never
 * rejects. While another process is connected under this name most servers answer `conflict`; some replace that
 * process's connection instead (Prosody with `component_conflict_resolve = "kick_old"`).
 */
export function probeComponent(options: ProbeOptions): Promise<ProbeResult> {
  const { clock = systemClock, limits } = options;
  return new Promise((resolve) => {
    const connection = new Connection(
      { ...options, clock, limits: { ...defaultConnectionLimits, ...limits } },
      {
        onConnected: () => {
          void connection.close().then(() => resolve({ ok: true }));
        },
        onStanza: () => {},
        onDropped: () => {},
        onBytes: () => {},
        onClosed: (failure) => {
          if (failure !== undefined) resolve({ ok: false, failure });
        },
      },
    );
  });
}
