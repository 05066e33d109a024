const second = 1_000;
const hour = 3_600 * second;

const firstDelay = 2 * second;
const longestDelay = 300 * second;

/**
 * Milliseconds until what was tried in vain is tried again. The upper end doubles with each of the `failures` in a row before that
 * (at first 0), and the delay is somewhere in its upper half. `after`: seconds that whoever was asked wants to be left alone, which
 * is kept to from one second up to an hour; a tenth may come on top, for the same is asked of many. `jitter` is from 0 up to 1.
 */
export function retryDelay(failures: number, after: number | undefined, jitter: number): number {
  if (after !== undefined) return Math.min(Math.max(after * second, second), hour) * (1 + jitter / 10);
  const end = Math.min(firstDelay * 2 ** failures, longestDelay);
  return (end / 2) * (1 + jitter);
}

/** Numbers from 0 up to 1. */
export function jitterOf(randomBytes: (size: number) => Uint8Array): () => number {
  return () => {
    const [high = 0, low = 0] = randomBytes(2);
    return (high * 256 + low) / 65_536;
  };
}
