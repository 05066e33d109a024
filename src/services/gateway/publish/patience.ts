import type { Clock } from '../../../xmpp/clock.js';

/** Milliseconds that a server waits for a push service; then its message is on disk, and the server hears that all is well. */
export const patience = 10_000;

/** Waits that begin within so many milliseconds end together: a signal and a timer for each would cost as much as all else here. */
const together = 250;

interface Share {
  readonly controller: AbortController;
  readonly callOff: () => void;
  /** Until then waits may join it. */
  readonly openUntil: number;
  waits: number;
}

/** Ends waits that have lasted for long enough, a little earlier at the most; and all of them at a stop. */
export class Patience {
  readonly #clock: Clock;
  readonly #shares = new Set<Share>();
  #newest: Share | undefined;
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects as the action does. */
  async wait<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const share = this.#join();
    share.waits++;
    try {
      return await action(share.controller.signal);
    } finally {
      if (--share.waits === 0) this.#close(share);
    }
  }

  /** Ends all waits, and those that come. */
  stop(): void {
    this.#isOver = true;
    for (const { controller } of this.#shares) controller.abort();
  }

  #join(): Share {
    const newest = this.#newest;
    return newest !== undefined && this.#clock.now() < newest.openUntil ? newest : this.#begin();
  }

  #begin(): Share {
    const controller = new AbortController();
    if (this.#isOver) controller.abort();
    const callOff = this.#clock.after(patience, () => controller.abort());
    const share = { controller, callOff, openUntil: this.#clock.now() + together, waits: 0 };
    this.#shares.add(share);
    this.#newest = share;
    return share;
  }

  #close(share: Share): void {
    share.callOff();
    this.#shares.delete(share);
    if (this.#newest === share) this.#newest = undefined;
  }
}
