import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import type { Rules } from '../channel.js';
import type { Facts } from './decide.js';
import { isMentioned } from './mentions.js';
import { isReflection } from './own.js';
import { inviterOf } from './stranger.js';

/** Why the rules of a registration keep a stanza from it; undefined if they do not. */
export function whyFiltered(stanza: Element, rules: Rules, facts: Facts): string | undefined {
  if (rules.muted.size > 0 && isMuted(stanza, rules.muted, facts.account)) return 'it is of a muted chat';
  if (rules.ignoresUnknown && !facts.isContact) return 'it is from somebody unknown';
  if (rules.rooms === undefined || stanza.attr('type') !== 'groupchat') return undefined;
  return whyNotOfRoom(stanza, rules, facts);
}

/** A chat is muted by the other side of it: a person, a room with all its occupants, who invites into a room. */
function isMuted(stanza: Element, muted: ReadonlySet<string>, account: Jid): boolean {
  const from = bareOf(stanza.attr('from'));
  const isOwn = from?.equals(account) ?? true;
  const others = [isOwn ? bareOf(stanza.attr('to')) : from, inviterOf(stanza)];
  return others.some((other) => other !== undefined && muted.has(`${other}`));
}

const bareOf = (address: string | undefined): Jid | undefined => Jid.tryParse(address)?.bare();

/** The Tigase filter for rooms is read strictly: what it does not list is not wanted. */
function whyNotOfRoom(stanza: Element, rules: Rules, facts: Facts): string | undefined {
  const room = bareOf(stanza.attr('from'));
  const rule = room === undefined ? undefined : rules.rooms?.get(`${room}`);
  if (room === undefined || rule === undefined) return 'its room is not listed';
  if (rule.allow === 'always') return undefined;
  if (rule.allow === 'never') return 'its room is never told of';
  const mentions = !isReflection(stanza, rules, facts) && isMentioned(stanza, room, rule.nick, facts);
  return mentions ? undefined : 'its room is told of only when it mentions the account, and it does not';
}
