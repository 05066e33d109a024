import type { Element } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import type { RoomRule, Rules } from './channel.js';
import type { Facts } from './decide.js';
import { isMentioned } from './mentions.js';
import { isReflection } from './own.js';
import { inviterOf } from './stranger.js';

/** Why the rules of a registration keep a stanza from it; undefined if they do not. */
export function whyFiltered(stanza: Element, rules: Rules, facts: Facts): string | undefined {
  if (rules.muted.size > 0 && isMuted(stanza, rules.muted, facts.account)) return 'muted';
  if (rules.ignoresUnknown && !facts.isContact) return 'from somebody unknown';
  if (rules.rooms === undefined || stanza.attr('type') !== 'groupchat') return undefined;
  return whyNotOfRoom(stanza, rules, facts);
}

/** A chat is muted by the other side of it: a person, a room with all its occupants, who invites into a room. */
function isMuted(stanza: Element, muted: ReadonlySet<string>, account: Jid): boolean {
  const from = bareOf(stanza.attr('from'));
  const other = from === `${account}` ? (bareOf(stanza.attr('to')) ?? from) : from;
  return isIn(muted, other) || isIn(muted, inviterOf(stanza)?.toString());
}

const bareOf = (address: string | undefined) => Jid.tryParse(address)?.bare().toString();
const isIn = (set: ReadonlySet<string>, text: string | undefined) => text !== undefined && set.has(text);

function whyNotOfRoom(stanza: Element, rules: Rules, facts: Facts): string | undefined {
  const room = Jid.tryParse(stanza.attr('from'))?.bare();
  const rule = room === undefined ? undefined : rules.rooms?.get(`${room}`);
  if (room === undefined || rule === undefined) return 'of a room that is not asked for';
  if (rule.allow === 'always') return undefined;
  if (rule.allow === 'never') return 'of a room that is not wanted';
  return isReflection(stanza, rules) || !isMentioned(stanza, mentionable(room, rule, facts))
    ? 'of a room, and does not mention the account'
    : undefined;
}

function mentionable(room: Jid, { nick }: RoomRule, { account, isOwnOccupant }: Facts) {
  return { account, room, nick, isOwnOccupant };
}
