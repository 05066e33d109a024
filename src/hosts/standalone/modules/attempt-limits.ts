import { RateLimiterMemory } from 'rate-limiter-flexible';

export interface AttemptLimitOptions {
  /** Attempts of one key in a window. */
  readonly each: number;
  /** Attempts of all keys in a window; also bounds for how many keys there can be a count. */
  readonly inAll: number;
  /** Counting starts anew this many seconds after the first attempt. */
  readonly windowSeconds: number;
}

const allKeys = 'all';

/** Lets only so many attempts through, of each key and in all. Its timers keep no process alive. */
export class AttemptLimits {
  readonly #options: AttemptLimitOptions;
  readonly #byKey: RateLimiterMemory;
  readonly #inAll: RateLimiterMemory;

  constructor(options: AttemptLimitOptions) {
    this.#options = options;
    const { each, inAll, windowSeconds: duration } = options;
    this.#byKey = new RateLimiterMemory({ points: each, duration, keyPrefix: '' });
    this.#inAll = new RateLimiterMemory({ points: inAll, duration, keyPrefix: '' });
  }

  /** Counts an attempt; false, and not counted, if there were enough. Without a key it counts among all others only. */
  async take(key: string | undefined): Promise<boolean> {
    const { each, inAll } = this.#options;
    if (key !== undefined && (await used(this.#byKey, key)) >= each) return false;
    if ((await used(this.#inAll, allKeys)) >= inAll) return false;
    await this.#inAll.penalty(allKeys);
    if (key !== undefined) await this.#byKey.penalty(key);
    return true;
  }
}

async function used(limiter: RateLimiterMemory, key: string): Promise<number> {
  return (await limiter.get(key))?.consumedPoints ?? 0;
}
