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
  /** What stanzas were before they were stamped. */
  readonly #sources = new WeakMap<Element, Element>();

  constructor(domain: Jid) {
    this.#domain = domain.toString();
  }

  /** The stanza with the time at which it was taken, in Unix milliseconds; as it is if it has one of ours. */
  stamp(stanza: Element, at: number): Element {
    if (this.#find(stanza) !== undefined) return stanza;
    const delay = el('delay', ns.delay, { from: this.#domain, stamp: new Date(at).toISOString() });
    this.#own.add(delay);
    return this.#add(stanza, delay);
  }

  /** What was stamped, or the stanza itself if it was not: a message is known by it, however late it comes. */
  source(stanza: Element): Element {
    return this.#sources.get(stanza) ?? stanza;
  }

  /** The stanza with the time that another one has from us; as it is if that has none. */
  stampLike(stanza: Element, late: Element): Element {
    const delay = this.#find(late);
    return delay === undefined || this.#find(stanza) !== undefined ? stanza : this.#add(stanza, delay);
  }

  /** Takes the times in a stanza that was stored by this server for its own. */
  trust(stanza: Element): void {
    for (const child of stanza.elements()) if (this.#isForged(child)) this.#own.add(child);
  }

  #find(stanza: Element): Element | undefined {
    for (const child of stanza.children) {
      if (typeof child !== 'string' && this.#own.has(child)) return child;
    }
    return undefined;
  }

  #add(stanza: Element, delay: Element): Element {
    const stamped = stanza.withChildren([
      ...stanza.children.filter((child) => !this.#isForged(child)),
      delay,
    ]);
    this.#sources.set(stamped, stanza);
    return stamped;
  }

  #isForged(child: Element | string): boolean {
    return typeof child !== 'string' && child.is('delay', ns.delay) && child.attr('from') === this.#domain;
  }
}
