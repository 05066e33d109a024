import type { Clock } from '../../../xmpp/clock.js';

/** The same time limit for many: one timer for all of them, and little work for those that are done in time. */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #delay: number;
  readonly #expire: (item: T) => void;
  /** In the order in which they expire. */
  readonly #expiries = new Map<T, number>();
  #cancelTimer: (() => void) | undefined;

  /** `expire` is called for what was not deleted `delay` milliseconds after it was added. */
  constructor(clock: Clock, delay: number, expire: (item: T) => void) {
    this.#clock = clock;
    this.#delay = delay;
    this.#expire = expire;
  }

  add(item: T): void {
    this.#expiries.delete(item);
    this.#expiries.set(item, this.#clock.now() + this.#delay);
    if (this.#cancelTimer === undefined) this.#wait(this.#delay);
  }

  /** False if it was not there (any more). */
  delete(item: T): boolean {
    const wasThere = this.#expiries.delete(item);
    if (this.#expiries.size === 0) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
    }
    return wasThere;
  }

  #wait(delay: number): void {
    this.#cancelTimer = this.#clock.after(delay, () => this.#check());
  }

  #check(): void {
    this.#cancelTimer = undefined;
    const now = this.#clock.now();
    for (const [item, expiry] of this.#expiries) {
      if (expiry > now) {
        this.#wait(expiry - now);
        return;
      }
      this.#expiries.delete(item);
      this.#expire(item);
    }
  }
}
