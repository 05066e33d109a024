import { carbonOf } from '../../xmpp/carbon.js';
import type { Element } from '../../xmpp/element.js';
import type { Server } from './module.js';

/** What stanzas are copies of, as those who hear of one message at several places have to know. */
export interface Originals {
  /** As `AccountHost.originalOf`: the message as it was when it came, or was sent by its account. */
  of(stanza: Element): Element;
  /** Whether it is a message or a request that was kept for its account, and was given to a session out of the store. */
  isHandedOut(stanza: Element): boolean;
}

/**
 * Nothing is noted for that while messages pass: one that comes late was stamped, and remembered by its stamp (`Delays`); a
 * carbon (XEP-0280) has the message itself in it, the same object, and nobody but this server sends one from an account.
 */
export function createOriginals({ delays, handedOut }: Pick<Server, 'delays' | 'handedOut'>): Originals {
  return {
    of(stanza) {
      const source = delays.source(stanza);
      return carbonOf(source, 'received') ?? carbonOf(source, 'sent') ?? source;
    },
    isHandedOut: (stanza) => handedOut.has(delays.source(stanza)),
  };
}
