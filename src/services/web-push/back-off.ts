const second = 1_000;
const hour = 3_600 * second;

const firstDelay = 2 * second;
const longestDelay = 300 * second;

/**
 * Milliseconds until what was tried in vain so often in a row (at least once) is tried again. The upper end doubles each time, and
 * the delay is somewhere in its upper half. `after`: seconds that the push service has asked for (RFC 8030 §8.4), to which is
 * kept from a second up to an hour; a tenth may come on top, for the same is asked of many. `jitter` is from 0 up to 1.
 */
export function retryDelay(attempts: number, after: number | undefined, jitter: number): number {
  if (after !== undefined) return Math.min(Math.max(after * second, second), hour) * (1 + jitter / 10);
  const end = Math.min(firstDelay * 2 ** (attempts - 1), longestDelay);
  return (end / 2) * (1 + jitter);
}
