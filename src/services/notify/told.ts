import type { Element } from '../../xmpp/element.js';

/** What tells somebody of a stanza, and may never do so after all. */
export interface Telling {
  readonly isLost: boolean;
}

/** A list, for they are few: the devices of an account. */
interface Entry {
  readonly key: string;
  readonly telling: Telling;
  readonly earlier: Entry | undefined;
}

/**
 * Who was told of what: a stanza that reaches a registration by several ways (archive, offline store, queue of a session)
 * is told of once. It remembers as long as the stanza is in memory, and so needs no bound of its own.
 */
export class Told {
  readonly #entries = new WeakMap<Element, Entry>();

  /** Whether the registration of that key was told of the stanza, which is the original (`AccountHost.originalOf`), or is to be. */
  has(original: Element, key: string): boolean {
    for (let entry = this.#entries.get(original); entry !== undefined; entry = entry.earlier) {
      if (entry.key === key) return !entry.telling.isLost;
    }
    return false;
  }

  add(original: Element, key: string, telling: Telling): void {
    this.#entries.set(original, { key, telling, earlier: this.#entries.get(original) });
  }
}
