import crypto, { createECDH, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import ece from 'http_ece';
import { describe, expect, it, vi } from 'vitest';
import webPush from 'web-push';
import vector from '../../tests/vectors/rfc8291-section5.json' with { type: 'json' };
import { encrypt, maxPayloadBytes } from './encrypt.js';
import type { SubscriptionKeys } from './subscription.js';

const bytes = (base64url: string) => Buffer.from(base64url, 'base64url');

/** A user agent that reads with another implementation. */
function createUserAgent() {
  const privateKey = createECDH('prime256v1');
  const p256dh = privateKey.generateKeys();
  const auth = randomBytes(16);
  const read = (body: Uint8Array) =>
    ece.decrypt(Buffer.from(body), { version: 'aes128gcm', privateKey, authSecret: auth });
  return { keys: { p256dh, auth }, read };
}

describe('encrypt', () => {
  it('makes the message of RFC 8291 §5', () => {
    const body = encrypt(
      { p256dh: bytes(vector.ua_public), auth: bytes(vector.auth_secret) },
      Buffer.from(vector.plaintext),
      { salt: bytes(vector.salt), senderPrivateKey: bytes(vector.as_private) },
    );
    expect(Buffer.from(body).toString('base64url')).toBe(vector.body);
  });

  it('makes messages of any size that others can read', { timeout: 120_000 }, () => {
    const userAgents = Array.from({ length: 50 }, createUserAgent);
    for (let i = 0; i < 10_000; i++) {
      const userAgent = userAgents[i % userAgents.length] ?? createUserAgent();
      const payload = randomBytes(crypto.randomInt(maxPayloadBytes + 1));
      const padding = i % 3 === 0 ? crypto.randomInt(maxPayloadBytes - payload.length + 1) : 0;
      const body = encrypt(userAgent.keys, payload, { padding });
      if (!userAgent.read(body).equals(payload)) {
        expect.fail(`${payload.length} bytes, padded with ${padding}`);
      }
    }
  });

  it('makes the same as http_ece of the same keys, salt and padding', () => {
    const { keys } = createUserAgent();
    const input = fc.record({
      payload: fc.uint8Array({ maxLength: 3000 }),
      salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      padding: fc.nat(900),
    });
    fc.assert(
      fc.property(input, ({ payload, salt, padding }) => {
        const sender = createECDH('prime256v1');
        sender.generateKeys();
        const theirs = ece.encrypt(Buffer.from(payload), {
          version: 'aes128gcm',
          privateKey: sender,
          dh: keys.p256dh,
          authSecret: keys.auth,
          salt: Buffer.from(salt),
          pad: padding,
        });
        const ours = encrypt(keys, payload, { padding, salt, senderPrivateKey: privateKeyOf(sender) });
        return theirs.equals(ours);
      }),
    );
  });

  it('makes the same as web-push of the key and the salt that it has chosen', () => {
    const createSender = vi.spyOn(crypto, 'createECDH');
    const { keys } = createUserAgent();
    const payload = Buffer.from('Hello!');
    createSender.mockClear();
    const theirs = webPush.encrypt(
      keys.p256dh.toString('base64url'),
      keys.auth.toString('base64url'),
      payload,
      'aes128gcm',
    );
    const [sender] = createSender.mock.results.map((result) => result.value);
    createSender.mockRestore();
    const ours = encrypt(keys, payload, {
      salt: bytes(theirs.salt),
      senderPrivateKey: privateKeyOf(sender),
    });
    expect(Buffer.from(ours)).toEqual(theirs.cipherText);
  });

  it('takes a salt and a key of its own for each message', () => {
    const { keys } = createUserAgent();
    const bodies = Array.from({ length: 100 }, () => Buffer.from(encrypt(keys, Buffer.from('same'))));
    const salts = new Set(bodies.map((body) => body.toString('hex', 0, 16)));
    const senders = new Set(bodies.map((body) => body.toString('hex', 21, 86)));
    expect([salts.size, senders.size]).toEqual([100, 100]);
  });

  it('fills 4,096 bytes and no more', () => {
    const { keys, read } = createUserAgent();
    const body = encrypt(keys, new Uint8Array(maxPayloadBytes));
    expect(body.length).toBe(4096);
    expect(read(body)).toHaveLength(maxPayloadBytes);
    expect(() => encrypt(keys, new Uint8Array(maxPayloadBytes + 1))).toThrow(RangeError);
    expect(() => encrypt(keys, new Uint8Array(maxPayloadBytes), { padding: 1 })).toThrow(RangeError);
  });

  it('hides the length of what is padded to one length', () => {
    const { keys, read } = createUserAgent();
    const short = encrypt(keys, Buffer.from('no'), { padding: 98 });
    const long = encrypt(keys, Buffer.alloc(100, 'x'));
    expect(short.length).toBe(long.length);
    expect(read(short).toString()).toBe('no');
  });

  it('refuses keys of other lengths and points off the curve', () => {
    const { keys } = createUserAgent();
    const encryptFor = (changes: Partial<SubscriptionKeys>) => () =>
      encrypt({ ...keys, ...changes }, Buffer.from('x'));
    const compressed = Buffer.concat([
      Buffer.of(2 + ((keys.p256dh[64] ?? 0) & 1)),
      keys.p256dh.subarray(1, 33),
    ]);
    expect(encryptFor({ p256dh: compressed })).toThrow(TypeError);
    expect(encryptFor({ auth: keys.auth.subarray(1) })).toThrow(TypeError);
    expect(encryptFor({ p256dh: Buffer.alloc(65, 4) })).toThrow(Error);
  });
});

function privateKeyOf(ecdh: crypto.ECDH): Buffer {
  return Buffer.from(ecdh.getPrivateKey('hex').padStart(64, '0'), 'hex');
}
