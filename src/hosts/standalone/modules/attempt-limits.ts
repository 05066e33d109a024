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

  /**
   * Counts an attempt; false if there were enough. Without a key it counts among all others only. Each count is one step,
   * so that of many attempts at once no more come through than of as many in turn.
   */
  async take(key: string | undefined): Promise<boolean> {
    const { each, inAll } = this.#options;
    const known = await this.#inAll.get(allKeys);
    if (known !== null && known.consumedPoints >= inAll) return false;
    if (key !== undefined && (await this.#byKey.penalty(key)).consumedPoints > each) return false;
    return (await this.#inAll.penalty(allKeys)).consumedPoints <= inAll;
  }
}
