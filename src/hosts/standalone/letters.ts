import type { Element } from '../../xmpp/element.js';

/** A message that is with several sessions, or kept beside. */
interface Letter {
  readonly original: Element;
  /** How many of those that were given it may still have it. */
  holders: number;
}

/**
 * Which stanzas are copies of one message to an account, so that it reaches none of its devices twice: the message itself,
 * given to several sessions, and carbons of it.
 */
export class Letters {
  readonly #letters = new WeakMap<Element, Letter>();

  /** These carbons were sent, and so many more have the message itself, or keep it. What one alone has is not remembered. */
  share(original: Element, carbons: readonly Element[], others: number): void {
    if (carbons.length === 0 && others < 2) return;
    const letter = this.#letters.get(original) ?? { original, holders: 0 };
    letter.holders += carbons.length + others;
    this.#letters.set(original, letter);
    for (const carbon of carbons) this.#letters.set(carbon, letter);
  }

  /** These carbons are of a message that is never to be placed: the account has sent it. */
  forget(carbons: readonly Element[]): void {
    for (const carbon of carbons)
      this.#letters.set(carbon, { original: carbon, holders: Number.POSITIVE_INFINITY });
  }

  /** Whether the stanza is a copy of something that is remembered. */
  has(copy: Element): boolean {
    return this.#letters.has(copy);
  }

  /** Takes back a copy from one who did not get it: the message that is to be placed again, if nobody else has it. */
  takeBack(copy: Element): Element | undefined {
    const letter = this.#letters.get(copy);
    if (letter === undefined) return copy;
    letter.holders--;
    if (letter.holders > 0) return undefined;
    this.#letters.delete(copy);
    this.#letters.delete(letter.original);
    return letter.original;
  }
}
