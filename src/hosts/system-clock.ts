import type { Clock } from '../xmpp/clock.js';

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delay, action) => {
    if (delay <= 0) return atEndOfTurn(action);
    // After the sockets were read once more: when the process was held up, what has arrived meanwhile comes first.
    let immediate: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      immediate = setImmediate(action);
    }, delay);
    return () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
  },
};

/** A timer would wait for a millisecond. */
function atEndOfTurn(action: () => void): () => void {
  const immediate = setImmediate(action);
  return () => clearImmediate(immediate);
}
