import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import webPush from 'web-push';
import { createVapid, createVapidKey } from './vapid.js';

const origin = 'https://push.example.com:8443';
const contact = 'mailto:admin@example.org';
const start = Date.UTC(2030, 0, 1, 12, 0, 0, 900);
const hour = 3600_000;

function atTime(privateKey = createVapidKey()) {
  const clock = { now: start };
  return { clock, vapid: createVapid({ privateKey, contact, now: () => clock.now }) };
}

/** What a push service does with the header (RFC 8292 §4.2). */
async function verify(header: string, now: number) {
  const [, token = '', key = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(header) ?? [];
  const point = Buffer.from(key, 'base64url');
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.toString('base64url', 1, 33),
      y: point.toString('base64url', 33),
    },
  });
  const { payload } = await jwtVerify(token, publicKey, {
    algorithms: ['ES256'],
    currentDate: new Date(now),
  });
  return { header: decodeProtectedHeader(token), claims: payload, key };
}

describe('a VAPID key', () => {
  it('is 32 bytes, of which some begin with zeros', () => {
    const keys = Array.from({ length: 3000 }, () => Buffer.from(createVapidKey(), 'base64url'));
    expect(keys.filter((key) => key.length !== 32)).toEqual([]);
    expect(keys.some((key) => key[0] === 0)).toBe(true);
  });

  it('is that of other libraries', () => {
    const { publicKey, privateKey } = webPush.generateVAPIDKeys();
    expect(createVapid({ privateKey, contact, now: () => start }).publicKey).toBe(publicKey);
  });

  it.each([
    ['', /32 bytes/],
    ['AAAA', /32 bytes/],
    [Buffer.alloc(33, 1).toString('base64url'), /32 bytes/],
    [Buffer.alloc(32).toString('base64url'), /no private key/],
    [Buffer.alloc(32, 255).toString('base64url'), /no private key/],
  ])('is refused if it is none: %s', (privateKey, message) => {
    expect(() => createVapid({ privateKey, contact, now: () => start })).toThrow(message);
  });

  it('does not stand in what is said when it is refused', () => {
    const privateKey = Buffer.alloc(32, 255).toString('base64url');
    const failure = () => createVapid({ privateKey, contact, now: () => start });
    expect(failure).not.toThrow(privateKey);
  });
});

describe('the authorization', () => {
  it('says who sends to which service, for twelve hours', async () => {
    const { vapid } = atTime();
    const { header, claims, key } = await verify(vapid.authorization(origin), start);
    expect(header).toEqual({ typ: 'JWT', alg: 'ES256' });
    expect(claims).toEqual({ aud: origin, exp: Math.floor(start / 1000) + 12 * 3600, sub: contact });
    expect(key).toBe(vapid.publicKey);
  });

  it('says the same as that of web-push', async () => {
    const { publicKey, privateKey } = webPush.generateVAPIDKeys();
    // web-push looks at the clock itself.
    const now = Date.now();
    const exp = Math.floor(now / 1000) + 12 * 3600;
    const theirs = webPush.getVapidHeaders(origin, contact, publicKey, privateKey, 'aes128gcm', exp);
    const ours = createVapid({ privateKey, contact, now: () => now }).authorization(origin);
    expect(await verify(ours, now)).toEqual(await verify(theirs.Authorization, now));
  });

  it('verifies with every key', async () => {
    for (let i = 0; i < 50; i++) await verify(atTime().vapid.authorization(origin), start);
  });

  it('stays the same for an origin until an hour before its end', async () => {
    const { clock, vapid } = atTime();
    const first = vapid.authorization(origin);
    clock.now = start + 11 * hour;
    expect(vapid.authorization(origin)).toBe(first);
    clock.now += 1000;
    const second = vapid.authorization(origin);
    expect(second).not.toBe(first);
    expect((await verify(second, clock.now)).claims.exp).toBe(Math.floor(clock.now / 1000) + 12 * 3600);
  });

  it('is made anew when the clock was set back, for its end is too far away then', async () => {
    const { clock, vapid } = atTime();
    vapid.authorization(origin);
    clock.now = start - 48 * hour;
    const { claims } = await verify(vapid.authorization(origin), clock.now);
    expect(claims.exp).toBe(Math.floor(clock.now / 1000) + 12 * 3600);
  });

  it('is another for each origin', async () => {
    const { vapid } = atTime();
    const other = await verify(vapid.authorization('https://push.example.net'), start);
    expect(other.claims.aud).toBe('https://push.example.net');
    expect((await verify(vapid.authorization(origin), start)).claims.aud).toBe(origin);
  });

  it('is kept for a thousand origins', () => {
    const { clock, vapid } = atTime();
    const headers = Array.from({ length: 1000 }, (_, i) => vapid.authorization(`https://${i}.example.com`));
    clock.now += 60_000;
    expect(vapid.authorization('https://0.example.com')).toBe(headers[0]);
    vapid.authorization('https://one-more.example.com');
    expect(vapid.authorization('https://1.example.com')).toBe(headers[1]);
    expect(vapid.authorization('https://0.example.com')).not.toBe(headers[0]);
  });

  it('makes room for a new token by the one that it replaces', () => {
    const { clock, vapid } = atTime();
    const originOf = (i: number) => `https://${i}.example.com`;
    for (let i = 0; i < 1000; i++) vapid.authorization(originOf(i));
    clock.now += 11.5 * hour;
    vapid.authorization(originOf(999));
    clock.now = start;
    const others = Array.from({ length: 999 }, (_, i) => vapid.authorization(originOf(i)));
    clock.now += 60_000;
    expect(others.filter((header, i) => header !== vapid.authorization(originOf(i)))).toEqual([]);
  });
});
