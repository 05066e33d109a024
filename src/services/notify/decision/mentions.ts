import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { jidOfUri } from '../../../xmpp/xmpp-uri.js';
import type { Facts } from './decide.js';
import { occurrences } from './occurrences.js';
import { hasNick } from './own.js';

/** What a word goes on with, before or after; in scripts that do not set words apart it does not have to end. */
const goesOn =
  /(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}])[\p{L}\p{M}\p{N}_]/u;

/**
 * Whether a message in a room mentions the account: by its nick in the text, or by a reference (XEP-0372 §4.2). Where nobody
 * has said the nick, the localpart stands for it. What is encrypted mentions nobody that a server could see.
 */
export function isMentioned(message: Element, room: Jid, nick: string | undefined, facts: Facts): boolean {
  const name = nick ?? facts.account.local;
  for (const child of message.children) {
    if (typeof child === 'string') continue;
    if (child.is('body', ns.client) && hasWord(child.text(), name)) return true;
    if (child.is('reference', ns.references) && refersTo(child, room, nick, facts)) return true;
  }
  return false;
}

/**
 * Whether the text has the name as a word of its own, in whatever case; a nick of several words counts as one. What strangers say
 * is looked through while everybody waits: it takes no more time than it is long.
 */
export function hasWord(text: string, name: string): boolean {
  const whole = folded(text);
  const word = folded(name.trim());
  for (const start of occurrences(whole, word)) {
    const end = start + word.length;
    if (!goesOn.test(codePointBefore(whole, start)) && !goesOn.test(codePointAt(whole, end))) return true;
  }
  return false;
}

/**
 * The same for texts that differ in case or composition alone. So many marks on one letter are in no language, and to sort them
 * takes as long as there are many of them for each: they are divided (UAX #15 §13).
 */
function folded(text: string): string {
  return text
    .replace(/\p{M}{30}/gu, '$&\u034f')
    .normalize('NFC')
    .toLowerCase()
    .toUpperCase();
}

function codePointAt(text: string, index: number): string {
  const code = text.codePointAt(index);
  return code === undefined ? '' : String.fromCodePoint(code);
}

/** A pair of surrogates is found from its first half. */
function codePointBefore(text: string, index: number): string {
  const pair = codePointAt(text, index - 2);
  return pair.length === 2 ? pair : codePointAt(text, index - 1);
}

function refersTo(reference: Element, room: Jid, nick: string | undefined, facts: Facts): boolean {
  if (reference.attr('type') !== 'mention') return false;
  const whom = jidOfUri(reference.attr('uri') ?? '');
  if (whom === undefined) return false;
  if (whom.bare().equals(facts.account)) return true;
  if (!whom.isFull || !whom.bare().equals(room)) return false;
  return hasNick(whom, nick) || facts.isOwnOccupant(`${whom}`);
}
