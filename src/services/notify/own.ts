import type { Element } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import type { Rules } from './channel.js';
import type { Occasion } from './decide.js';

/** Whether the stanza is by the account: from its bare JID, one of its devices, or nobody else (RFC 6120 §8.1.2.1). */
export function isByAccount(stanza: Element, account: Jid): boolean {
  const from = stanza.attr('from');
  return from === undefined || isOf(from, account);
}

/** Whether that client of the account has sent the stanza. */
export function isWrittenBy(stanza: Element, account: Jid, client: string): boolean {
  return stanza.attr('from') === `${account}/${client}`;
}

/**
 * Whether it tells what the account itself did elsewhere, which its devices may look at in their own time: words to others,
 * and words in a room that come back. What somebody sends to himself is meant to be seen.
 */
export function isOwnDoing({ stanza, importance }: Occasion, rules: Rules, account: Jid): boolean {
  if (importance.kind === 'own') return true;
  if (!isByAccount(stanza, account)) return isReflection(stanza, rules);
  const to = stanza.attr('to');
  return to !== undefined && !isOf(to, account);
}

/** Whether it is from the nick that the registration's rule for the room gives to the account (XEP-0045 §7.4). */
export function isReflection(stanza: Element, rules: Rules): boolean {
  if (rules.rooms === undefined || stanza.attr('type') !== 'groupchat') return false;
  const occupant = Jid.tryParse(stanza.attr('from'));
  return occupant !== undefined && hasNick(occupant, rules.rooms.get(`${occupant.bare()}`)?.nick);
}

/** Whether an occupant of a room has that nick, as a client has written it. */
export function hasNick(occupant: Jid, nick: string | undefined): boolean {
  return nick !== undefined && (Jid.tryParse(`${occupant.bare()}/${nick}`)?.equals(occupant) ?? false);
}

function isOf(address: string, account: Jid): boolean {
  const bare = `${account}`;
  return address === bare || address.startsWith(`${bare}/`);
}
