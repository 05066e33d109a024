import type { Clock } from '../../xmpp/clock.js';

/** Milliseconds by which something may be written after the moment at which it is due, and by which clocks may differ. */
const margin = 30_000;

/** After so many all is looked at, whatever was written and whatever clocks have done. */
const longest = 60_000;

/**
 * How far it is known that nothing waits for origins that are open. So what lies before it, for closed ones, need not be passed
 * over row by row whenever something is looked for, and that may be all that the queue can hold.
 */
export class Horizon {
  readonly #clock: Pick<Clock, 'now'>;
  #upTo = 0;
  /** How far it was known when each of them was closed. */
  #closed: ReadonlyMap<string, number> = new Map();
  #begunAt: number;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#begunAt = clock.now();
  }

  /** Nothing is due up to then but for those that are closed now, in Unix milliseconds. */
  upTo(closed: readonly string[]): number {
    if (this.#clock.now() - this.#begunAt >= longest) this.#begin();
    const before = this.#closed;
    const known = this.#upTo;
    this.#closed = new Map(closed.map((origin) => [origin, before.get(origin) ?? known]));
    for (const [origin, upTo] of before) {
      if (!this.#closed.has(origin)) this.#upTo = Math.min(this.#upTo, upTo);
    }
    return this.#upTo;
  }

  /** Of all but those that were closed, the first is due then; undefined: none is. */
  found(first: number | undefined, now: number): void {
    this.#upTo = Math.max(this.#upTo, Math.min(first ?? now, now) - margin);
  }

  #begin(): void {
    this.#begunAt = this.#clock.now();
    this.#upTo = 0;
    this.#closed = new Map();
  }
}
