import type { Element } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';

/**
 * Whom the account has to know so that a client that ignores unknown people is told: the sender's bare JID, and of a room's
 * invitation the person who invites. Undefined if it is nobody: the account itself, its server, a room that it is in, a
 * room that does not say who invites.
 */
export function strangerOf(stanza: Element, account: Jid): Jid | undefined {
  const from = Jid.tryParse(stanza.attr('from'))?.bare();
  if (from === undefined || from.equals(account) || `${from}` === account.domain) return undefined;
  if (stanza.attr('type') === 'groupchat') return undefined;
  return isFromRoom(stanza) ? inviterOf(stanza) : from;
}

/** The bare JID of who invites into a room, as the room says (XEP-0045 §7.8.2); undefined if it does not name a person. */
export function inviterOf(stanza: Element): Jid | undefined {
  const inviter = Jid.tryParse(invitationIn(stanza)?.attr('from'))?.bare();
  return inviter !== undefined && `${inviter}` !== roomOf(stanza) ? inviter : undefined;
}

const isFromRoom = (stanza: Element): boolean => invitationIn(stanza) !== undefined;

function invitationIn(stanza: Element): Element | undefined {
  return stanza.child('x', ns.mucUser)?.child('invite');
}

function roomOf(stanza: Element): string | undefined {
  return Jid.tryParse(stanza.attr('from'))?.bare().toString();
}
