import type { LogLevel } from '../errors.js';

/** Milliseconds between two lines of the same trouble. */
const quietTime = 10_000;
/** Kinds of trouble that are remembered; more than there are. */
const maxKeys = 500;

/** At which level a line goes out, and how many like it went out at `debug` only since the one before. */
interface Passage {
  readonly level: LogLevel;
  readonly suppressed?: number;
}

export type FloodGate = (key: string, level: LogLevel) => Passage;

/**
 * Keeps trouble that every request meets (the database is away, too many pushes are under way) from filling the disk:
 * of each key one line per ten seconds goes out at its level, the others at `debug`. The metrics count all.
 */
export function createFloodGate(now: () => number): FloodGate {
  const gates = new Map<string, { openAt: number; suppressed: number }>();
  return (key, level) => {
    if (level === 'debug') return { level };
    const gate = gates.get(key);
    const time = now();
    if (gate !== undefined && time < gate.openAt) {
      gate.suppressed++;
      return { level: 'debug' };
    }
    if (gates.size >= maxKeys) gates.clear();
    gates.set(key, { openAt: time + quietTime, suppressed: 0 });
    return gate === undefined || gate.suppressed === 0 ? { level } : { level, suppressed: gate.suppressed };
  };
}
