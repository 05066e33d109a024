import type { Clock } from '../xmpp/clock.js';

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delay, action) => {
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
