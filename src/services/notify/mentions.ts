import type { Element } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { jidOfUri } from '../../xmpp/xmpp-uri.js';

/** Whom a message in a room may mean. */
export interface Mentionable {
  /** The bare JID. */
  readonly account: Jid;
  /** The bare JID. */
  readonly room: Jid;
  /** The account's nick there; undefined if it has not been said. */
  readonly nick: string | undefined;
  readonly isOwnOccupant: (occupant: string) => boolean;
}

/**
 * Whether a message in a room mentions the account: by its nick in the text, or by a reference (XEP-0372 §4.1). Where
 * nobody has said the nick, it is taken to be the localpart. What is encrypted mentions nobody that a server could see.
 */
export function isMentioned(message: Element, whom: Mentionable): boolean {
  const name = wordPattern(whom.nick ?? whom.account.local);
  for (const child of message.children) {
    if (typeof child === 'string') continue;
    if (child.is('body', ns.client) && name.test(child.text().normalize('NFC'))) return true;
    if (child.is('reference', ns.references) && refersTo(child, whom)) return true;
  }
  return false;
}

/** Finds the name as a word of its own, in any case: not within other letters, marks, digits. */
function wordPattern(name: string): RegExp {
  const escaped = name
    .normalize('NFC')
    .trim()
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{M}\\p{N}_])${escaped}(?![\\p{L}\\p{M}\\p{N}_])`, 'iu');
}

function refersTo(reference: Element, { account, room, nick, isOwnOccupant }: Mentionable): boolean {
  if (reference.attr('type') !== 'mention') return false;
  const jid = jidOfUri(reference.attr('uri') ?? '');
  if (jid === undefined) return false;
  if (jid.bare().equals(account)) return true;
  if (!jid.isFull || !jid.bare().equals(room)) return false;
  return (
    isOwnOccupant(`${jid}`) || (nick !== undefined && (Jid.tryParse(`${room}/${nick}`)?.equals(jid) ?? false))
  );
}
