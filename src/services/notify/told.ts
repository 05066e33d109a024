import type { Element } from '../../xmpp/element.js';

/** What tells somebody of a stanza, and may never do so after all. */
export interface Telling {
  readonly isLost: boolean;
}

/** A list, for they are few: the devices of an account. */
interface Entry<T extends Telling> {
  readonly key: string;
  readonly telling: T;
  readonly earlier: Entry<T> | undefined;
}

/**
 * Who was told of what: a stanza that reaches a registration by several ways (archive, offline store, queue of a session)
 * is told of once. It remembers as long as the stanza is in memory, and so needs no bound of its own.
 */
export class Told<T extends Telling> {
  readonly #entries = new WeakMap<Element, Entry<T>>();

  /**
   * What has told the registration of that key of the stanza, which is the original (`AccountHost.originalOf`), or is to tell it;
   * undefined if nothing does.
   */
  by(original: Element, key: string): T | undefined {
    for (let entry = this.#entries.get(original); entry !== undefined; entry = entry.earlier) {
      if (entry.key === key) return entry.telling.isLost ? undefined : entry.telling;
    }
    return undefined;
  }

  add(original: Element, key: string, telling: T): void {
    this.#entries.set(original, { key, telling, earlier: without(this.#entries.get(original), key) });
  }
}

/** Those of others that still tell: a queue that is resumed and left again, over and over, must not make the list longer. */
function without<T extends Telling>(entry: Entry<T> | undefined, key: string): Entry<T> | undefined {
  if (entry === undefined) return undefined;
  const earlier = without(entry.earlier, key);
  if (entry.key === key || entry.telling.isLost) return earlier;
  return earlier === entry.earlier ? entry : { ...entry, earlier };
}
