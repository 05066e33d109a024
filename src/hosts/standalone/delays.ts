import { type Element, el } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';

/**
 * Says of messages that come late when they were sent (XEP-0203), in the name of this server, which nobody else may use: what
 * others say in it is taken away. A message that is kept a second time keeps the time that it was given first.
 */
export class Delays {
  readonly #domain: string;
  readonly #own = new WeakSet<Element>();

  constructor(domain: Jid) {
    this.#domain = domain.toString();
  }

  /** The stanza with the time at which it was taken, in Unix milliseconds; as it is if it has one of ours. */
  stamp(stanza: Element, at: number): Element {
    if (stanza.children.some((child) => typeof child !== 'string' && this.#own.has(child))) return stanza;
    const delay = el('delay', ns.delay, { from: this.#domain, stamp: new Date(at).toISOString() });
    this.#own.add(delay);
    return stanza.withChildren([...stanza.children.filter((child) => !this.#isForged(child)), delay]);
  }

  /** Takes the times in a stanza that was stored by this server for its own. */
  trust(stanza: Element): void {
    for (const child of stanza.elements()) if (this.#isForged(child)) this.#own.add(child);
  }

  #isForged(child: Element | string): boolean {
    return typeof child !== 'string' && child.is('delay', ns.delay) && child.attr('from') === this.#domain;
  }
}
