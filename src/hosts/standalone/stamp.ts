import { Element, newRecord } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { isStanza } from '../../xmpp/stanza.js';
import { StreamError } from '../../xmpp/stream-error.js';
import { isOwn } from './judge.js';
import type { Session } from './session.js';

/**
 * Whether a client may send this on its stream.
 * @throws {StreamError} `unsupported-stanza-type` for what is no stanza (RFC 6120 §4.9.3.24), `invalid-from` if it
 *   speaks for somebody else (§8.1.2.1)
 */
export function checkStanza(session: Session, stanza: Element): void {
  if (!isStanza(stanza)) {
    throw new StreamError('unsupported-stanza-type', 'Only message, presence and iq are stanzas.');
  }
  if (!mayBeFrom(session, stanza.attr('from'))) {
    throw new StreamError('invalid-from', 'The from of a stanza is its sender or nothing.');
  }
}

function mayBeFrom(session: Session, from: string | undefined): boolean {
  if (from === undefined || from === session.jid.toString()) return true;
  const jid = Jid.tryParse(from);
  return jid !== undefined && (jid.equals(session.jid) || (!jid.isFull && isOwn(jid, session.account.jid)));
}

/** The stanza as it goes on: from the session, in the language of its stream, to a prepared address or none. */
export function stamp(session: Session, stanza: Element, to: string | undefined): Element {
  const from = session.jid.toString();
  const lang = stanza.attr('xml:lang') ?? session.link.lang;
  const { attrs } = stanza;
  if (attrs['from'] === from && attrs['to'] === to && attrs['xml:lang'] === lang) return stanza;
  const stamped = Object.assign(newRecord(), attrs);
  stamped['from'] = from;
  if (to !== undefined) stamped['to'] = to;
  if (lang !== undefined) stamped['xml:lang'] = lang;
  return new Element(stanza.name, stanza.ns, stamped, stanza.children);
}
