import type { LogLevel } from '../errors.js';

/** Milliseconds between two lines of the same trouble. */
const quietTime = 10_000;
/** Kinds of trouble that are told apart; those beyond are one. */
const maxKeys = 500;
const othersKey = 'others';

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
  const isFull = (time: number) => {
    if (gates.size < maxKeys) return false;
    for (const [key, { openAt }] of gates) if (openAt <= time) gates.delete(key);
    return gates.size >= maxKeys;
  };
  return (trouble, level) => {
    if (level === 'debug') return { level };
    const time = now();
    const key = gates.has(trouble) || !isFull(time) ? trouble : othersKey;
    const gate = gates.get(key);
    if (gate !== undefined && time < gate.openAt) {
      gate.suppressed++;
      return { level: 'debug' };
    }
    gates.set(key, { openAt: time + quietTime, suppressed: 0 });
    return gate === undefined || gate.suppressed === 0 ? { level } : { level, suppressed: gate.suppressed };
  };
}
