import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import type { Rules } from '../channel.js';
import type { Facts, Occasion } from './decide.js';

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
export function isOwnDoing({ stanza, importance }: Occasion, rules: Rules, facts: Facts): boolean {
  if (importance.kind === 'own') return true;
  if (!isByAccount(stanza, facts.account)) return isReflection(stanza, rules, facts);
  const to = stanza.attr('to');
  return to !== undefined && !isOf(to, facts.account);
}

/**
 * Whether it comes back from a room (XEP-0045 §7.4): from an occupant that is the account itself, as its presence tells or the
 * registration's rule for the room.
 */
export function isReflection(stanza: Element, rules: Rules, { isOwnOccupant }: Facts): boolean {
  const from = stanza.attr('from');
  if (from === undefined || stanza.attr('type') !== 'groupchat') return false;
  if (isOwnOccupant(from)) return true;
  const occupant = rules.rooms === undefined ? undefined : Jid.tryParse(from);
  return occupant !== undefined && hasNick(occupant, rules.rooms?.get(`${occupant.bare()}`)?.nick);
}

/** Whether an occupant of a room has that nick, as a client has written it. */
export function hasNick(occupant: Jid, nick: string | undefined): boolean {
  return nick !== undefined && (Jid.tryParse(`${occupant.bare()}/${nick}`)?.equals(occupant) ?? false);
}

function isOf(address: string, account: Jid): boolean {
  const bare = `${account}`;
  return address === bare || address.startsWith(`${bare}/`);
}
