import { createECDH } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOutgoingUrl } from '../../../net/outgoing-url.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { readDisable, readEnable } from './enable.js';

const parse = (text: string) => parseOutgoingUrl(text, { allowPrivateNetworks: false });
const ecdh = createECDH('prime256v1');
const p256dh = ecdh.generateKeys();
const auth = Buffer.alloc(16, 7);
const texts = {
  endpoint: 'https://push.example.net/send/s3cret',
  auth: auth.toString('base64url'),
  p256dh: p256dh.toString('base64url'),
};

const child = (name: string, text: string) => el(name, ns.webPush, {}, text);

function request(changes: Partial<Record<keyof typeof texts, string | undefined>>, ...more: Element[]) {
  const parts = Object.entries({ ...texts, ...changes });
  const children = parts.flatMap(([name, text]) => (text === undefined ? [] : [child(name, text)]));
  return el('enable', ns.webPush, {}, ...children, ...more);
}

const read = (enable: Element) => readEnable(enable, parse);

function errorOf(changes: Partial<Record<keyof typeof texts, string | undefined>>): string {
  try {
    read(request(changes));
  } catch (error) {
    if (error instanceof StanzaError) return `${error.type}/${error.condition}: ${error.text}`;
  }
  return 'nothing';
}

describe('enable', () => {
  it('says what browsers say of a subscription', () => {
    expect(read(request({}))).toEqual({
      subscription: {
        endpoint: texts.endpoint,
        origin: 'https://push.example.net',
        p256dh: new Uint8Array(p256dh),
        auth: new Uint8Array(auth),
      },
      wantsUnimportant: false,
    });
  });

  it('may say it in other letters, with space around', () => {
    const hex = { auth: auth.toString('hex'), p256dh: ` ${p256dh.toString('hex').toUpperCase()}\n` };
    const base64 = { auth: auth.toString('base64'), p256dh: p256dh.toString('base64') };
    const url = { endpoint: '\n  HTTPS://Push.Example.net:443/send/s3cret ' };
    for (const changes of [hex, base64, url]) {
      expect(read(request(changes))).toEqual(read(request({})));
    }
  });

  it('may ask for more, and have in it what nobody knows', () => {
    const more = [child('unimportant', ''), child('encoding', 'aes128gcm'), el('x', 'urn:example:x')];
    expect(read(request({}, ...more)).wantsUnimportant).toBe(true);
    expect(read(request({}, el('unimportant', 'urn:example:x'))).wantsUnimportant).toBe(false);
  });

  it.each(['endpoint', 'auth', 'p256dh'] as const)('is refused without %s, by name', (name) => {
    for (const text of [undefined, '', ' \n']) {
      expect(errorOf({ [name]: text })).toBe(`modify/bad-request: The <${name}/> is missing.`);
    }
  });

  it.each([
    ['a short secret', { auth: 'AAAA' }, 'modify/bad-request: The auth cannot be used. It is'],
    ['no secret', { auth: '!'.repeat(22) }, 'modify/bad-request: The auth cannot be used. It is'],
    ['a short key', { p256dh: texts.auth }, 'modify/bad-request: The p256dh cannot be used. It is'],
    [
      'a key that is not on the curve',
      { p256dh: Buffer.alloc(65, 4).toString('base64url') },
      'modify/bad-request: The p256dh cannot be used. It is not',
    ],
    ['no URL', { endpoint: 'push' }, 'modify/policy-violation: The endpoint cannot be used. It '],
    ['http', { endpoint: 'http://push.example.net/' }, 'modify/policy-violation: The endpoint cannot'],
    ['metadata', { endpoint: 'https://169.254.169.254/' }, 'modify/policy-violation: The endpoint cannot'],
    ['the own host', { endpoint: 'https://localhost/' }, 'modify/policy-violation: The endpoint cannot'],
  ])('is refused with %s', (_, changes, expected) => {
    const text = errorOf(changes);
    expect(text.slice(0, expected.length)).toBe(expected);
    for (const secret of Object.values(changes)) expect(text).not.toContain(secret);
  });

  it('is refused by an error of the protocol, or read, whatever stands there', () => {
    const anyPart = fc.option(fc.oneof(fc.string(), fc.constantFrom(...Object.values(texts))), {
      nil: undefined,
    });
    fc.assert(
      fc.property(fc.record({ endpoint: anyPart, auth: anyPart, p256dh: anyPart }), (changes) => {
        try {
          expect(read(request(changes)).subscription.auth).toHaveLength(16);
        } catch (error) {
          expect(error).toBeInstanceOf(StanzaError);
        }
      }),
    );
  });
});

describe('disable', () => {
  const disable = (...children: Element[]) => readDisable(el('disable', ns.webPush, {}, ...children), parse);

  it('is about one endpoint, or all', () => {
    expect(disable()).toBeUndefined();
    expect(disable(child('endpoint', ' https://push.EXAMPLE.net/send/s3cret\n'))).toBe(texts.endpoint);
  });

  it('is about nobody if the endpoint is none', () => {
    for (const text of ['', 'nonsense', 'https://127.0.0.1/']) {
      expect(disable(child('endpoint', text))).toBe(text);
    }
  });
});
