import { createECDH, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OutgoingUrl, parseOutgoingUrl } from '../net/outgoing-url.js';
import { parseSubscription } from './subscription.js';

const parseUrl = (text: string) => parseOutgoingUrl(text, { allowPrivateNetworks: false });

const endpoint = 'https://push.example.com/send/abc';
const point = createECDH('prime256v1').generateKeys();
const auth = randomBytes(16);

function parse(changes: Partial<Record<'endpoint' | 'p256dh' | 'auth', string>>) {
  const texts = { endpoint, p256dh: point.toString('base64url'), auth: auth.toString('base64url') };
  return parseSubscription({ ...texts, ...changes }, parseUrl);
}

const refusal = (part: string) => ({ kind: 'refused', part, why: expect.any(String) });

const encodings: readonly [string, (bytes: Buffer) => string][] = [
  ['base64url', (bytes) => bytes.toString('base64url')],
  ['base64', (bytes) => bytes.toString('base64')],
  ['base64 without padding', (bytes) => bytes.toString('base64').replace(/=+$/, '')],
  ['base64url with padding', (bytes) => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')],
  ['hex', (bytes) => bytes.toString('hex')],
  ['capital hex', (bytes) => bytes.toString('hex').toUpperCase()],
  ['base64url between line breaks', (bytes) => `\n  ${bytes.toString('base64url')}\n`],
];

describe('parseSubscription', () => {
  it.each(encodings)('reads keys in %s', (_, encode) => {
    const keys = fc.tuple(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(keys, ([privateKey, auth]) => {
        const p256dh = publicKeyOf(privateKey);
        const subscription = parse({ p256dh: encode(p256dh), auth: encode(Buffer.from(auth)) });
        expect(subscription).toEqual({
          endpoint,
          origin: 'https://push.example.com',
          p256dh: new Uint8Array(p256dh),
          auth,
        });
      }),
      { numRuns: 30 },
    );
  });

  it('tells auth secrets in hex from such in base64 by their length alone', () => {
    expect(parse({ auth: 'ab'.repeat(16) })).toMatchObject({ auth: new Uint8Array(16).fill(0xab) });
    expect(parse({ auth: 'ab'.repeat(11) })).toMatchObject({ auth: expect.any(Uint8Array) });
    expect(parse({ auth: 'ab'.repeat(12) })).toEqual(refusal('auth'));
  });

  it('keeps keys in memory of their own', () => {
    const subscription = parse({});
    expect(subscription).toMatchObject({
      p256dh: { buffer: { byteLength: 65 } },
      auth: { buffer: { byteLength: 16 } },
    });
  });

  it('writes the endpoint as the URL standard does', () => {
    expect(parse({ endpoint: '\nHTTPS://Push.Example.com:443/a/../b\n' })).toMatchObject({
      endpoint: 'https://push.example.com/b',
      origin: 'https://push.example.com',
    });
  });

  it('says why the endpoint is refused', () => {
    const url: OutgoingUrl = { kind: 'refused', why: 'so' };
    const texts = { endpoint, p256dh: '', auth: '' };
    expect(parseSubscription(texts, () => url)).toEqual({ kind: 'refused', part: 'endpoint', why: 'so' });
    expect(parse({ endpoint: 'http://push.example.com/' })).toEqual(refusal('endpoint'));
  });

  it.each([
    ['nothing', ''],
    ['a byte less', point.toString('base64url', 0, 64)],
    ['a byte more', Buffer.concat([point, Buffer.of(0)]).toString('base64url')],
    ['a compressed point', Buffer.concat([Buffer.of(2), point.subarray(1, 33)]).toString('base64url')],
    ['a point of the hybrid form', hybrid(point).toString('base64url')],
    ['a point off the curve', offCurve(point).toString('base64url')],
    [
      'coordinates beyond the field',
      Buffer.concat([Buffer.of(4), Buffer.alloc(64, 255)]).toString('base64url'),
    ],
    ['the point at infinity', Buffer.alloc(65).toString('base64url')],
    ['half hex', `${point.toString('hex', 0, 64)}zz`],
    ['what is no base64', `${point.toString('base64url').slice(1)}!`],
    ['padding in between', `=${point.toString('base64url').slice(1)}`],
  ])('refuses %s as p256dh', (_, p256dh) => {
    expect(parse({ p256dh })).toEqual(refusal('p256dh'));
  });

  it.each([
    ['nothing', ''],
    ['a byte less', auth.toString('base64url', 0, 15)],
    ['a byte more', Buffer.concat([auth, Buffer.of(0)]).toString('base64url')],
    ['too much padding', `${auth.toString('base64url')}===`],
    ['text', 'not an auth secret at all'],
  ])('refuses %s as auth', (_, text) => {
    expect(parse({ auth: text })).toEqual(refusal('auth'));
  });

  it('takes or refuses any text, and does not repeat it', () => {
    const text = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef') }),
    );
    fc.assert(
      fc.property(text, text, (p256dh, auth) => {
        const result = parse({ p256dh, auth });
        if (!('kind' in result)) return;
        if (p256dh.length > 20) expect(result.why).not.toContain(p256dh);
      }),
    );
  });
});

/** Of any private key: what is beyond the order of the curve is brought below it. */
function publicKeyOf(privateKey: Uint8Array): Buffer {
  const ecdh = createECDH('prime256v1');
  const key = Buffer.from(privateKey);
  key[0] = 1;
  ecdh.setPrivateKey(key);
  return ecdh.getPublicKey();
}

/** RFC 5480 §2.2 has no such form, OpenSSL has. */
function hybrid(point: Buffer): Buffer {
  const copy = Buffer.from(point);
  copy[0] = 6 + ((copy[64] ?? 0) & 1);
  return copy;
}

function offCurve(point: Buffer): Buffer {
  const copy = Buffer.from(point);
  copy[64] = (copy[64] ?? 0) ^ 1;
  return copy;
}
