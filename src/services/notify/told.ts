import type { Element } from '../../xmpp/element.js';

/**
 * Who was told of what: a stanza that reaches a registration by several ways (archive, offline store, queue of a session)
 * is told of once. It remembers as long as the stanza is in memory, and so needs no bound of its own.
 */
export class Told {
  readonly #keys = new WeakMap<Element, Set<string>>();

  /** Whether the registration of that key was told of the stanza, which is the original (`AccountHost.originalOf`). */
  has(original: Element, key: string): boolean {
    return this.#keys.get(original)?.has(key) ?? false;
  }

  add(original: Element, key: string): void {
    const keys = this.#keys.get(original);
    if (keys === undefined) this.#keys.set(original, new Set([key]));
    else keys.add(key);
  }
}
