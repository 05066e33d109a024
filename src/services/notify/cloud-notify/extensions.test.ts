import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { readExtensions } from './extensions.js';

const read = (attrs: Record<string, string>, ...children: Element[]) =>
  readExtensions(el('enable', ns.push, { jid: 'push.example.net', ...attrs }, ...children));

const groupchat = (...rooms: Element[]) => el('groupchat', ns.pushRooms, {}, ...rooms);
const room = (attrs: Record<string, string>) => el('room', ns.pushRooms, attrs);
const muted = (...jids: string[]) =>
  el('muted', ns.pushMuted, {}, ...jids.map((jid) => el('item', ns.pushMuted, { jid })));
const encrypt = (text: string, attrs: Record<string, string> = {}) =>
  read({}, el('encrypt', ns.pushEncryption, { alg: 'aes-128-gcm', ...attrs }, text)).encryption;
const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

describe('the extensions of an enable', () => {
  it('are off unless they are asked for', () => {
    expect(read({})).toEqual({
      rules: { whileAway: false, ignoresUnknown: false, muted: new Set(), rooms: undefined },
      wantsPriority: false,
      wantsCalls: false,
      encryption: undefined,
    });
  });

  it('are read as the client of the documentation writes them', () => {
    const extensions = read(
      { away: 'true' },
      el('encrypt', ns.pushEncryption, { alg: 'aes-128-gcm', 'max-size': '3000' }, key.toString('base64')),
      el('priority', ns.pushPriority),
      el('ignore-unknown', ns.pushIgnoresUnknown),
      muted('Noisy@example.org/x', '@', 'loud@example.org'),
      groupchat(
        room({ jid: 'team@rooms.example.org', allow: 'mentioned', nick: 'ana' }),
        room({ jid: 'News@rooms.example.org', allow: 'never' }),
        room({ jid: 'fun@rooms.example.org', allow: 'always', nick: '' }),
        room({ jid: '@', allow: 'always' }),
      ),
      el('jingle', ns.pushCalls),
    );
    expect(extensions).toEqual({
      rules: {
        whileAway: true,
        ignoresUnknown: true,
        muted: new Set(['noisy@example.org', 'loud@example.org']),
        rooms: new Map([
          ['team@rooms.example.org', { allow: 'mentioned', nick: 'ana' }],
          ['news@rooms.example.org', { allow: 'never', nick: undefined }],
          ['fun@rooms.example.org', { allow: 'always', nick: undefined }],
        ]),
      },
      wantsPriority: true,
      wantsCalls: true,
      encryption: { key, maxBytes: 3000 },
    });
  });

  it('leave out all rooms if the list is empty', () => {
    expect(read({}, groupchat()).rules.rooms).toEqual(new Map());
  });

  it.each([
    ['1', true],
    ['false', false],
    ['yes', false],
  ])('take away=%s for %s', (away, whileAway) => {
    expect(read({ away }).rules.whileAway).toBe(whileAway);
  });

  it('refuse a rule for a room that nobody knows', () => {
    const rule = groupchat(room({ jid: 'team@rooms.example.org', allow: 'sometimes' }));
    expect(() => read({}, rule)).toThrow(
      expect.objectContaining({ condition: 'bad-request', type: 'modify' }),
    );
  });

  it('take the base64 of any 16 bytes, and white space around it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(encrypt(`\n  ${text}\n`)?.key).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['too little', randomBytes(15).toString('base64')],
    ['too much', randomBytes(17).toString('base64')],
    ['a key for AES-256', randomBytes(32).toString('base64')],
    ['hexadecimal', key.toString('hex')],
    ['the alphabet of URLs', `${'_'.repeat(21)}A==`],
    ['something behind the end', `${key.toString('base64')}A`],
  ])('refuse a key of %s', (_what, text) => {
    expect(() => encrypt(text)).toThrow(
      expect.objectContaining({ condition: 'bad-request', type: 'modify' }),
    );
  });

  it.each([
    ['256', 256],
    ['3000', 3000],
    ['4096', 4096],
    ['4097', 4096],
    ['999999999', 4096],
  ])('take a size of %s as %i', (text, maxBytes) => {
    expect(encrypt(key.toString('base64'), { 'max-size': text })?.maxBytes).toBe(maxBytes);
  });

  it.each(['', '255', '0', '-1', '3e3', '3000.5', 'all', '٣٠٠٠', '1'.repeat(400)])(
    'refuse a size of %s',
    (text) => {
      expect(() => encrypt(key.toString('base64'), { 'max-size': text })).toThrow(
        expect.objectContaining({ condition: 'bad-request', type: 'modify' }),
      );
    },
  );

  it('have a size by themselves', () => {
    expect(encrypt(key.toString('base64'))?.maxBytes).toBe(3000);
  });
});
