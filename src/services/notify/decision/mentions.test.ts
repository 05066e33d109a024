import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message } from '../../../xmpp/stanza.js';
import { hasWord, isMentioned } from './mentions.js';

const room = Jid.parse('tea@rooms.example.net');
const facts = {
  account: Jid.parse('ana@example.org'),
  isContact: true,
  isOwnOccupant: (occupant: string) => occupant === `${room}/Anita`,
};
const body = (text: string) => el('body', ns.client, {}, text);
const reference = (uri: string | undefined, type = 'mention') =>
  el('reference', ns.references, { type, uri });
const groupchat = (...children: Parameters<typeof message>[1][]) =>
  message({ from: `${room}/ben`, to: 'ana@example.org/phone', type: 'groupchat' }, ...children);
const isReferred = (uri: string, nick: string | undefined = 'Ana') =>
  isMentioned(groupchat(body('hello'), reference(uri)), room, nick, facts);

describe('a name as a word', () => {
  it.each([
    ['alone', 'ana', 'Ana'],
    ['with a colon', 'Ana: are you there?', 'Ana'],
    ['after an at sign', 'is @ana there', 'Ana'],
    ['in capitals', 'ANA!', 'ana'],
    ['in brackets', '(ana)', 'Ana'],
    ['with an apostrophe', "it is ana's turn", 'Ana'],
    ['in a second place', 'banana for ana', 'Ana'],
    ['over a line break', 'look\nana\nlook', 'Ana'],
    ['of several words', 'what does ana maria say', 'Ana Maria'],
    ['with white space around it', 'ana?', ' ana '],
    ['with signs that patterns have', 'dear [a.n*a], hello', '[a.n*a]'],
    ['with a backslash and braces', 'hello \\{ana}', '\\{ana}'],
    ['in Greek, with the other sigma', 'γεια σου ΝΊΚΟΣ', 'Νίκος'],
    ['in Cyrillic', 'привет, ЖЕНЯ!', 'Женя'],
    ['in decomposed form', 'salut rene\u0301 !', 'René'],
    ['in composed form', 'salut ren\u00e9 !', 'Rene\u0301'],
    ['in Chinese, where words are not set apart', '小明你好', '小明'],
    ['in Korean, before a particle', '민수야', '민수'],
    ['after an emoji', '🌷ana🌷', 'Ana'],
    ['that is an emoji', 'hello 🌷!', '🌷'],
    ['beyond the first plane', '𐐷𐐲 hello', '𐐷𐐲'],
  ])('is found %s', (_, text, name) => {
    expect(hasWord(text, name)).toBe(true);
  });

  it.each([
    ['in a longer one', 'banana', 'Ana'],
    ['at the start of a longer one', 'anatomy', 'Ana'],
    ['at the end of a longer one', 'Diana', 'Ana'],
    ['before a digit', 'ana2', 'Ana'],
    ['before an underscore', 'ana_', 'Ana'],
    ['before a letter with an accent', 'anaé', 'Ana'],
    ['before a combining mark, which makes it another letter', 'ana\u0323', 'Ana'],
    ['before a letter of another script', 'anaя', 'Ana'],
    ['before a letter beyond the first plane', 'ana𐐷', 'Ana'],
    ['after a letter beyond the first plane', '𐐷ana', 'Ana'],
    ['by a pattern', 'anna', 'a.na'],
    ['in parts', 'an a', 'Ana'],
    ['in nothing', '', 'Ana'],
    ['if it is empty', 'ana', ''],
    ['if it is white space', 'a na', ' '],
  ])('is not found %s', (_, text, name) => {
    expect(hasWord(text, name)).toBe(false);
  });

  it('is found whatever it is, and never makes a broken pattern', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() !== '');
    fc.assert(fc.property(name, (it) => hasWord(`so, ${it.trim()}, yes`, it)));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, it) => {
        hasWord(text, it);
      }),
    );
  });

  it.each([
    ['a long one that almost is there', 'a'.repeat(200_000), `${'a'.repeat(1_000)}b${'a'.repeat(1_000)}`],
    ['one that is there everywhere, and nowhere as a word', 'a'.repeat(200_000), 'a'.repeat(1_000)],
    ['words that almost are there', 'ab '.repeat(70_000), `${'ab '.repeat(1_000)}a`],
    ['a letter', 'a '.repeat(100_000), 'b'],
    ['one longer than patterns may be', 'a'.repeat(200_000), `${'a'.repeat(60_000)}b`],
    ['one in a text of nothing but marks', `a${'\u0345\u0301\u0316\u0334'.repeat(30_000)}`, 'b'],
  ])('is looked for in time that grows with the text alone: %s', (_, text, name) => {
    expect(hasWord(text, name)).toBe(false);
  });
});

describe('a message in a room', () => {
  it('mentions the account by its nick', () => {
    expect(isMentioned(groupchat(body('Tulip: hello')), room, 'tulip', facts)).toBe(true);
    expect(isMentioned(groupchat(body('ana: hello')), room, 'tulip', facts)).toBe(false);
  });

  it('mentions it by its localpart if nobody has said the nick', () => {
    expect(isMentioned(groupchat(body('Ana: hello')), room, undefined, facts)).toBe(true);
    expect(isMentioned(groupchat(body('Ben: hello')), room, undefined, facts)).toBe(false);
  });

  it('mentions it in any of its languages', () => {
    expect(isMentioned(groupchat(body('hello'), body('salve, ana')), room, 'Ana', facts)).toBe(true);
  });

  it.each([
    ['its address', 'xmpp:ana@example.org'],
    ['its address in other letters', 'XMPP:Ana@Example.ORG'],
    ['one of its devices', 'xmpp:ana@example.org/phone'],
    ['its address with a query', 'xmpp:ana@example.org?message'],
    ['its address with an authority', 'xmpp://ben@example.org/ana@example.org'],
    ['its address, encoded', 'xmpp:%61na@example.org'],
    ['its nick', 'xmpp:tea@rooms.example.net/Ana'],
    ['the nick that its presence shows', 'xmpp:tea@rooms.example.net/Anita'],
  ])('mentions it by a reference to %s', (_, uri) => {
    expect(isReferred(uri)).toBe(true);
  });

  it('mentions it by a reference to a nick that is encoded, or should be', () => {
    for (const nick of ['Ana Müller', 'Ana/Tea', '50%', 'a%zz']) {
      expect(isReferred(`xmpp:${room}/${encodeURIComponent(nick)}`, nick)).toBe(true);
      expect(isReferred(`xmpp:${room}/${nick}`, nick)).toBe(true);
    }
  });

  it.each([
    ['somebody else', 'xmpp:ben@example.org'],
    ['another nick', 'xmpp:tea@rooms.example.net/Ben'],
    ['the nick in other letters, which is another occupant', 'xmpp:tea@rooms.example.net/ana'],
    ['the nick in another room', 'xmpp:milk@rooms.example.net/Ana'],
    ['the room', 'xmpp:tea@rooms.example.net'],
    ['an address that begins with its own', 'xmpp:ana@example.org.example.net'],
    ['a page', 'https://example.org/ana@example.org'],
    ['nothing', ''],
    ['no address', 'xmpp:@/'],
  ])('does not mention it by a reference to %s', (_, uri) => {
    expect(isReferred(uri)).toBe(false);
  });

  it('does not mention it by a reference that is no mention', () => {
    for (const other of [
      reference('xmpp:ana@example.org', 'data'),
      reference(undefined),
      el('reference', 'urn:example:x'),
    ]) {
      expect(isMentioned(groupchat(body('hello'), other), room, 'Ana', facts)).toBe(false);
    }
  });
});
