import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { credentialsFor, hmac, saltedPassword, storedKeyOf } from './credentials.js';
import { PasswordError } from './password.js';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('credentialsFor', () => {
  it('makes keys for both hashes, each with its salt', async () => {
    const { sha1, sha256 } = await credentialsFor('pencil', randomBytes);
    expect([sha1.salt.length, sha1.storedKey.length, sha1.serverKey.length]).toEqual([16, 20, 20]);
    expect([sha256.salt.length, sha256.storedKey.length, sha256.serverKey.length]).toEqual([16, 32, 32]);
    expect([sha1.iterations, sha256.iterations]).toEqual([10_000, 10_000]);
    expect(base64(sha1.salt)).not.toBe(base64(sha256.salt));
  });

  it('makes the keys of the prepared password', async () => {
    const zeros = (size: number) => new Uint8Array(size);
    expect(await credentialsFor('I\u00adX', zeros)).toEqual(await credentialsFor('\u2168', zeros));
  });

  it('makes other keys for the same password again', async () => {
    const [one, other] = await Promise.all([
      credentialsFor('x', randomBytes),
      credentialsFor('x', randomBytes),
    ]);
    expect(base64(one.sha256.storedKey)).not.toBe(base64(other.sha256.storedKey));
  });

  it('refuses an unfit password', async () => {
    await expect(credentialsFor('', randomBytes)).rejects.toThrow(PasswordError);
  });
});

describe('the keys of RFC 5802 §5', () => {
  it('are those that the example signs with', async () => {
    const salted = await saltedPassword('sha1', 'pencil', {
      salt: Buffer.from('QSXCR+Q6sek8bf92', 'base64'),
      iterations: 4096,
    });
    // Published in the documentation of several implementations for the same input.
    expect(Buffer.from(salted).toString('hex')).toBe('1d96ee3a529b5a5f9e47c01f229a2cb8a6e15f7d');
    expect(Buffer.from(storedKeyOf('sha1', salted)).toString('hex')).toBe(
      'e9d94660c39d65c38fbad91c358f14da0eef2bd6',
    );
    expect(Buffer.from(hmac('sha1', salted, 'Server Key')).toString('hex')).toBe(
      '0fe09258b3ac852ba502cc62ba903eaacdbf7d31',
    );
  });
});
