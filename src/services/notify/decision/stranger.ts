import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';

/**
 * Whom the account has to know so that a client which ignores unknown people is told: the bare JID of the sender, or, when a
 * room invites, of the person in whose name it does. Undefined if there is nobody to know: it is from the account itself,
 * from its server, of a room that the account is in, or from a room that does not say who invites.
 *
 * A private message of an occupant is from the room's JID, which is in no roster: it is from somebody unknown.
 */
export function strangerOf(stanza: Element, account: Jid): Jid | undefined {
  const from = Jid.tryParse(stanza.attr('from'))?.bare();
  if (from === undefined || from.equals(account) || `${from}` === account.domain) return undefined;
  if (stanza.attr('type') === 'groupchat') return undefined;
  return inviteOf(stanza) === undefined ? from : inviterOf(stanza);
}

/** In whose name a room invites (XEP-0045 §7.8.2), as a bare JID; undefined if it does not invite, or names an occupant. */
export function inviterOf(stanza: Element): Jid | undefined {
  const inviter = Jid.tryParse(inviteOf(stanza)?.attr('from'))?.bare();
  const room = Jid.tryParse(stanza.attr('from'))?.bare();
  return inviter !== undefined && room !== undefined && inviter.equals(room) ? undefined : inviter;
}

function inviteOf(stanza: Element): Element | undefined {
  return stanza.child('x', ns.mucUser)?.child('invite');
}
