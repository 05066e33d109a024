import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { Credentials, ScramKeys } from '../store.js';
import { preparePassword } from './password.js';

/** The hash of a SCRAM mechanism (RFC 5802, RFC 7677). */
export type ScramHash = keyof Credentials;

/** What new keys are made with. RFC 7677 §4 asks for at least 4,096; this costs a server's core three milliseconds. */
export const iterationCount = 10_000;
/** Bytes of a salt; each key has one of its own. */
export const saltBytes = 16;
/** Bytes that each hash gives. */
export const hashBytes: Readonly<Record<ScramHash, number>> = { sha1: 20, sha256: 32 };

const pbkdf2Async = promisify(pbkdf2);

/**
 * The keys of a new password, each with a salt of its own. Takes some milliseconds of another thread.
 * @throws {PasswordError} (as rejection) if the text cannot be a password
 */
export async function credentialsFor(
  password: string,
  randomBytes: (size: number) => Uint8Array,
): Promise<Credentials> {
  const prepared = preparePassword(password);
  const keys = (hash: ScramHash) => makeKeys(hash, prepared, randomBytes(saltBytes));
  return { sha1: await keys('sha1'), sha256: await keys('sha256') };
}

async function makeKeys(hash: ScramHash, prepared: string, salt: Uint8Array): Promise<ScramKeys> {
  const salted = await saltedPassword(hash, prepared, { salt, iterations: iterationCount });
  return {
    salt,
    iterations: iterationCount,
    storedKey: storedKeyOf(hash, salted),
    serverKey: hmac(hash, salted, 'Server Key'),
  };
}

/** `SaltedPassword` of RFC 5802 §3, made in another thread. */
export function saltedPassword(
  hash: ScramHash,
  prepared: string,
  { salt, iterations }: Pick<ScramKeys, 'salt' | 'iterations'>,
): Promise<Uint8Array> {
  return pbkdf2Async(prepared, salt, iterations, hashBytes[hash], hash);
}

/** `StoredKey` of RFC 5802 §3. */
export function storedKeyOf(hash: ScramHash, salted: Uint8Array): Uint8Array {
  return digest(hash, hmac(hash, salted, 'Client Key'));
}

/** `H` of RFC 5802 §2.2. */
export function digest(hash: ScramHash, data: Uint8Array): Uint8Array {
  return createHash(hash).update(data).digest();
}

/** `HMAC` of RFC 5802 §2.2. */
export function hmac(hash: ScramHash, key: Uint8Array, text: string): Uint8Array {
  return createHmac(hash, key).update(text).digest();
}
