import type { Clock } from '../../../xmpp/clock.js';

/** How often it is looked whether a time is up, in milliseconds. */
const period = 1_000;

/**
 * Times of many things, each its own, which change often: one timer for all of them while there is any. What is due is
 * found up to a second late, and by looking at everything once a second.
 */
export class Expiries<T> {
  readonly #clock: Clock;
  readonly #expire: (item: T) => void;
  readonly #times = new Map<T, number>();
  #cancelTimer: (() => void) | undefined;

  /** `expire` is called for what was not deleted when its time is up. */
  constructor(clock: Clock, expire: (item: T) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  has(item: T): boolean {
    return this.#times.has(item);
  }

  /** In `delay` milliseconds, whatever was said before. */
  set(item: T, delay: number): void {
    this.#times.set(item, this.#clock.now() + delay);
    this.#wait();
  }

  /** As `set`, but never sooner than was said before. */
  extend(item: T, delay: number): void {
    this.#times.set(item, Math.max(this.#times.get(item) ?? 0, this.#clock.now() + delay));
    this.#wait();
  }

  /** False if it was not there (any more). */
  delete(item: T): boolean {
    return this.#times.delete(item);
  }

  /** What would expire within so many milliseconds does so now. */
  hasten(delay: number): void {
    this.#expireUntil(this.#clock.now() + delay);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#times.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #wait(): void {
    this.#cancelTimer ??= this.#clock.after(period, () => this.#check());
  }

  #check(): void {
    this.#cancelTimer = undefined;
    this.#expireUntil(this.#clock.now());
    if (this.#times.size > 0) this.#wait();
  }

  #expireUntil(last: number): void {
    for (const [item, time] of this.#times) {
      if (time > last) continue;
      this.#times.delete(item);
      this.#expire(item);
    }
  }
}
