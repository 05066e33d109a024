import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { message, presence } from '../../../xmpp/stanza.js';
import type { Notification } from '../channel.js';
import { contentText } from './content.js';

const account = Jid.parse('ana@example.org');
const phone = 'bob@example.net/phone';
const rtp = 'urn:xmpp:jingle:apps:rtp:1';

const notification = (stanza: Element | undefined, count = 3): Notification => ({
  account,
  level: 'important',
  kind: 'message',
  stanza,
  count,
  pendingSubscriptions: 0,
});

const read = (stanza: Element | undefined, bytes = 2000): unknown =>
  JSON.parse(contentText(notification(stanza), bytes));

const body = (text: string) => el('body', ns.client, {}, text);
const chat = (...children: Element[]) => message({ from: phone, type: 'chat' }, ...children);
const signal = (name: string, ...children: Element[]) =>
  chat(el(name, ns.callSignals, { id: 'call-7' }, ...children));
const description = (media: string, space = rtp) => el('description', space, { media });

describe('the content of a notification', () => {
  it.each<[string, Element | undefined, object]>([
    ['a chat', chat(body('Wine?')), { type: 'chat', sender: 'bob@example.net', message: 'Wine?' }],
    [
      'a message without type',
      message({ from: 'example.net' }, body('Hi')),
      { type: 'chat', sender: 'example.net', message: 'Hi' },
    ],
    ['a chat without text', chat(el('active', ns.chatStates)), { type: 'chat', sender: 'bob@example.net' }],
    [
      'an encrypted message',
      chat(body('No OMEMO here.'), el('encrypted', ns.omemo, {}, el('payload', ns.omemo, {}, 'c2VjcmV0'))),
      { type: 'chat', sender: 'bob@example.net', message: 'Encrypted message' },
    ],
    [
      'a room',
      message({ from: 'team@rooms.example.org/Bob the/Builder', type: 'groupchat' }, body('Ana, wine?')),
      {
        type: 'groupchat',
        sender: 'team@rooms.example.org',
        nickname: 'Bob the/Builder',
        message: 'Ana, wine?',
      },
    ],
    [
      'a room that speaks itself',
      message({ from: 'team@rooms.example.org', type: 'groupchat' }, body('Closed.')),
      { type: 'groupchat', sender: 'team@rooms.example.org', message: 'Closed.' },
    ],
    [
      'a call into a room, which is none for a device',
      message(
        { from: 'team@rooms.example.org/Bob', type: 'groupchat' },
        el('propose', ns.callSignals, { id: 'call-7' }),
      ),
      { type: 'groupchat', sender: 'team@rooms.example.org', nickname: 'Bob' },
    ],
    [
      'a call',
      signal('propose', description('video'), description('audio'), description('audio')),
      { type: 'call', sender: phone, sid: 'call-7', media: ['audio', 'video'] },
    ],
    [
      'a call of another kind',
      signal('propose', description('smell'), description('audio', 'urn:xmpp:jingle:apps:file-transfer:5')),
      { type: 'call', sender: phone, sid: 'call-7', media: [] },
    ],
    ['the end of a call', signal('retract'), { type: 'call', sender: phone, sid: 'call-7' }],
    [
      'a request',
      presence({ from: 'bob@example.net', type: 'subscribe' }),
      { type: 'subscribe', sender: 'bob@example.net' },
    ],
    ['other presence', presence({ from: phone }), { type: 'chat', sender: 'bob@example.net' }],
    ['an IQ', el('iq', ns.client, { from: phone, type: 'get' }), { type: 'chat', sender: 'bob@example.net' }],
    [
      'what the server sends',
      message({}, body('Update tonight')),
      { type: 'chat', sender: 'ana@example.org', message: 'Update tonight' },
    ],
    ['a ping', undefined, { type: 'chat', sender: 'ana@example.org' }],
  ])('tells of %s', (_what, stanza, content) => {
    expect(read(stanza)).toEqual({ unread: 3, ...content });
  });

  it('fits to the byte', () => {
    const whole = contentText(notification(chat(body('Wüst "😡"'))), 2000);
    const bytes = Buffer.byteLength(whole);
    expect(contentText(notification(chat(body('Wüst "😡"'))), bytes)).toBe(whole);
    expect(read(chat(body('Wüst "😡"')), bytes - 1)).toMatchObject({ message: 'Wüst "😡' });
    expect(read(chat(body('Wüst "😡"')), bytes - 2)).toMatchObject({ message: 'Wüst "😡' });
    expect(read(chat(body('Wüst "😡"')), bytes - 3)).toMatchObject({ message: 'Wüst "' });
    expect(read(chat(body('Wüst "😡"')), bytes - 6)).toMatchObject({ message: 'Wüst "' });
    expect(read(chat(body('Wüst "😡"')), bytes - 7)).toMatchObject({ message: 'Wüst ' });
  });

  it('leaves out what has no room', () => {
    const long = `${'b'.repeat(1000)}@example.net`;
    expect(read(message({ from: long }, body('Wine?')), 176)).toEqual({ unread: 3, type: 'chat' });
    const nick = message(
      { from: `team@rooms.example.org/${'n'.repeat(1000)}`, type: 'groupchat' },
      body('Wine?'),
    );
    expect(read(nick, 176)).toEqual({ unread: 3, type: 'groupchat', sender: 'team@rooms.example.org' });
  });

  it('is JSON and fits, whatever is said', () => {
    fc.assert(
      fc.property(anyStanza(), fc.integer({ min: 176, max: 3056 }), fc.nat(), (stanza, bytes, count) => {
        const text = contentText(notification(stanza, count), bytes);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytes);
        expect(Buffer.from(text).toString()).toBe(text);
        expect(JSON.parse(text)).toMatchObject({ unread: count, type: expect.any(String) });
      }),
      { numRuns: 300 },
    );
  });
});

function anyStanza(): fc.Arbitrary<Element> {
  const long = fc.tuple(fc.constantFrom('"', '\\', '\n', 'ü', '😡', 'x'), fc.nat(5000));
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    long.map(([unit, times]) => unit.repeat(times)),
  );
  const child = fc.oneof(
    text.map((value) => el('body', ns.client, {}, value)),
    text.map((id) => el('propose', ns.callSignals, { id }, description('audio'))),
  );
  return fc
    .tuple(fc.constantFrom('chat', 'groupchat', undefined), text, fc.array(child, { maxLength: 2 }))
    .map(([type, from, children]) => el('message', ns.client, { type, from }, ...children));
}
