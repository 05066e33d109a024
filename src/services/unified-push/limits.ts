import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

export interface PushLimitOptions {
  /** Pushes per minute and registration; 0 for no limit. */
  readonly perMinute: number;
  /** Pushes under way at once for one registration. */
  readonly underWayEach: number;
  /** Pushes under way at once in all. */
  readonly underWayInAll: number;
  /** For how many registrations the rate is counted at once. */
  readonly countedKeys: number;
}

const windowSeconds = 60;

/**
 * Keeps one endpoint from taking the place of the others. Both limits are of this process: N processes let N times as
 * much through, which is still bounded.
 */
export class PushLimits {
  readonly #options: PushLimitOptions;
  readonly #underWay = new Map<string, number>();
  #inAll = 0;
  readonly #limiter: RateLimiterMemory | undefined;
  /** Keys the limiter may know, oldest window first: what bounds its memory. */
  readonly #counted = new Set<string>();

  constructor(options: PushLimitOptions) {
    this.#options = options;
    this.#limiter =
      options.perMinute === 0
        ? undefined
        : new RateLimiterMemory({ points: options.perMinute, duration: windowSeconds, keyPrefix: '' });
  }

  /** Takes a place among all pushes until `release`; false, and none taken, if there is none left. */
  admit(): boolean {
    if (this.#inAll >= this.#options.underWayInAll) return false;
    this.#inAll++;
    return true;
  }

  release(): void {
    this.#inAll--;
  }

  /** Takes a place among the pushes of one key until `leave`; false, and none taken, if there is none left. */
  enter(key: string): boolean {
    const underWay = this.#underWay.get(key) ?? 0;
    if (underWay >= this.#options.underWayEach) return false;
    this.#underWay.set(key, underWay + 1);
    return true;
  }

  leave(key: string): void {
    const underWay = this.#underWay.get(key) ?? 0;
    if (underWay > 1) this.#underWay.set(key, underWay - 1);
    else this.#underWay.delete(key);
  }

  /**
   * Counts a push against the key's rate. Answers 0, or the seconds until the next push of that key is let through;
   * undefined instead of a promise if there is no limit.
   */
  count(key: string): Promise<number> | undefined {
    return this.#limiter === undefined ? undefined : this.#consume(this.#limiter, key);
  }

  async #consume(limiter: RateLimiterMemory, key: string): Promise<number> {
    try {
      const { isFirstInDuration } = await limiter.consume(key);
      if (isFirstInDuration) this.#remember(limiter, key);
      return 0;
    } catch (refused) {
      if (refused instanceof RateLimiterRes)
        return Math.min(windowSeconds, Math.max(1, Math.ceil(refused.msBeforeNext / 1000)));
      throw refused;
    }
  }

  /** Past the bound, the key whose window began first starts anew: it may push more than its rate, never less. */
  #remember(limiter: RateLimiterMemory, key: string): void {
    this.#counted.delete(key);
    this.#counted.add(key);
    if (this.#counted.size <= this.#options.countedKeys) return;
    const [oldest] = this.#counted;
    if (oldest !== undefined) this.#forget(limiter, oldest);
  }

  #forget(limiter: RateLimiterMemory, key: string): void {
    this.#counted.delete(key);
    void limiter.delete(key);
  }

  /** Forgets all rates, and with them the limiter's timers. */
  close(): void {
    if (this.#limiter === undefined) return;
    for (const key of this.#counted) this.#forget(this.#limiter, key);
  }
}
