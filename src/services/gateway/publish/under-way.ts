import type { Clock } from '../../../xmpp/clock.js';
import { Patience } from './patience.js';

/** Publishes of one registration, and of all, that wait for push services at once. */
export const mostUnderWay = { each: 10, inAll: 1_000 };

/** Publishes that are at work. */
export class UnderWay {
  readonly #works = new Set<Promise<unknown>>();
  readonly #patience: Patience;
  #waits = 0;
  readonly #byNode = new Map<string, number>();
  #isStopping = false;

  constructor(clock: Clock) {
    this.#patience = new Patience(clock);
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** So many wait, for that registration or in all, that one more had better not. */
  isCrowded(node: string): boolean {
    return this.#waits >= mostUnderWay.inAll || (this.#byNode.get(node) ?? 0) >= mostUnderWay.each;
  }

  /** Work that a stop waits for. */
  async run<T>(work: Promise<T>): Promise<T> {
    this.#works.add(work);
    try {
      return await work;
    } finally {
      this.#works.delete(work);
    }
  }

  /** A wait for a push service: it is ended when it lasts too long, or by a stop. */
  async wait<T>(node: string, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#count(node, 1);
    try {
      return await this.#patience.wait(action);
    } finally {
      this.#count(node, -1);
    }
  }

  /** Ends all waits, and those that come. Resolves when the work that was begun before is done. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#patience.stop();
    await Promise.allSettled(this.#works);
  }

  #count(node: string, change: 1 | -1): void {
    this.#waits += change;
    const count = (this.#byNode.get(node) ?? 0) + change;
    if (count === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, count);
  }
}
