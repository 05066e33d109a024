import type { Element } from '../../xmpp/element.js';

/** What tells somebody of a stanza, and may never do so after all. */
export interface Telling {
  readonly isLost: boolean;
}

/**
 * Who was told of what: a stanza that reaches a registration by several ways (archive, offline store, queue of a session)
 * is told of once. It remembers as long as the stanza is in memory, and so needs no bound of its own.
 */
export class Told {
  readonly #tellings = new WeakMap<Element, Map<string, Telling>>();

  /** Whether the registration of that key was told of the stanza, which is the original (`AccountHost.originalOf`), or is to be. */
  has(original: Element, key: string): boolean {
    const telling = this.#tellings.get(original)?.get(key);
    return telling !== undefined && !telling.isLost;
  }

  add(original: Element, key: string, telling: Telling): void {
    const tellings = this.#tellings.get(original);
    if (tellings === undefined) this.#tellings.set(original, new Map([[key, telling]]));
    else tellings.set(key, telling);
  }
}
