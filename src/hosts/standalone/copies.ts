import type { Element } from '../../xmpp/element.js';

/** A message that is with several sessions, or kept beside. */
interface Shared {
  readonly original: Element;
  /** How many of those that were given it may still have it. */
  holders: number;
}

/**
 * Which stanzas are copies of one message to an account, so that it reaches none of its devices twice: the message itself,
 * given to several sessions, and carbons of it.
 */
export class Copies {
  /** By the message itself and by each of its carbons. */
  readonly #shared = new WeakMap<Element, Shared>();

  /** These carbons were sent, and so many more have the message itself, or keep it. What one alone has is not remembered. */
  share(original: Element, carbons: readonly Element[], others: number): void {
    if (carbons.length === 0 && others < 2) return;
    const shared = this.#shared.get(original) ?? { original, holders: 0 };
    shared.holders += carbons.length + others;
    this.#shared.set(original, shared);
    for (const carbon of carbons) this.#shared.set(carbon, shared);
  }

  /** These carbons are of a message that is never to be placed: the account has sent it. */
  forget(carbons: readonly Element[]): void {
    for (const carbon of carbons)
      this.#shared.set(carbon, { original: carbon, holders: Number.POSITIVE_INFINITY });
  }

  /** Whether the stanza is a copy of something that is remembered. */
  has(copy: Element): boolean {
    return this.#shared.has(copy);
  }

  /** Takes back a copy from one who did not get it: the message that is to be placed again, if nobody else has it. */
  takeBack(copy: Element): Element | undefined {
    const shared = this.#shared.get(copy);
    if (shared === undefined) return copy;
    shared.holders--;
    if (shared.holders > 0) return undefined;
    this.#shared.delete(copy);
    this.#shared.delete(shared.original);
    return shared.original;
  }
}
