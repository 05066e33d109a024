import { createCipheriv, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { decodeBase64url } from './base64url.js';

/** A symmetric key for `v3.local`, ready for use: the extracted half of its HKDF (RFC 5869 §2.2). */
export type LocalKey = KeyObject;

/** What is authenticated beside the message; both are absent in the tokens of endpoints. */
interface LocalOptions {
  /** Readable by everybody, at the end of the token. */
  readonly footer?: Uint8Array;
  /** Known to both sides and not in the token. */
  readonly implicitAssertion?: Uint8Array;
}

export const localHeader = 'v3.local.';
/** What a key's text begins with. */
export const localKeyPrefix = 'secret-token:paseto.v3.local:';

const headerBytes = Buffer.from(localHeader);
const nothing = Buffer.alloc(0);
const nonceLength = 32;
const tagLength = 48;
const encryptionLabel = Buffer.from('paseto-encryption-key');
const authenticationLabel = Buffer.from('paseto-auth-key-for-aead');
const firstBlock = Buffer.of(1);

/** A new key as text, from 32 random bytes. */
export function formatLocalKey(bytes: Uint8Array): string {
  return localKeyPrefix + Buffer.from(bytes).toString('hex');
}

/** Reads a key's text: the prefix and 64 hexadecimal digits. Undefined if it is something else. */
export function parseLocalKey(text: string): LocalKey | undefined {
  if (!text.startsWith(localKeyPrefix)) return undefined;
  const digits = text.slice(localKeyPrefix.length);
  if (!/^[0-9a-f]{64}$/i.test(digits)) return undefined;
  const noSalt = Buffer.alloc(48);
  return createSecretKey(createHmac('sha384', noSalt).update(digits, 'hex').digest());
}

/**
 * Encrypts a message (PASETO v3.local, paseto-spec "Version 3" §Encrypt).
 * @param nonce 32 random bytes, never twice with the same key
 */
export function encryptLocal(
  key: LocalKey,
  message: Uint8Array,
  nonce: Uint8Array,
  { footer = nothing, implicitAssertion = nothing }: LocalOptions = {},
): string {
  const ciphertext = applyKeyStream(key, nonce, message);
  const parts = [headerBytes, nonce, ciphertext, footer, implicitAssertion];
  const tag = mac(expand(key, authenticationLabel, nonce), preAuthEncode(parts, exactLength));
  const body = Buffer.concat([nonce, ciphertext, tag]).toString('base64url');
  const suffix = footer.length === 0 ? '' : `.${Buffer.from(footer).toString('base64url')}`;
  return `${localHeader}${body}${suffix}`;
}

/**
 * Decrypts a token (paseto-spec "Version 3" §Decrypt). Undefined if it is not one of this key, whatever the reason.
 */
export function decryptLocal(
  key: LocalKey,
  token: string,
  { implicitAssertion = nothing }: Pick<LocalOptions, 'implicitAssertion'> = {},
): { message: Buffer; footer: Buffer } | undefined {
  const split = splitToken(token);
  if (split === undefined) return undefined;
  const { nonce, ciphertext, tag, footer } = split;
  const parts = [headerBytes, nonce, ciphertext, footer, implicitAssertion];
  const authenticationKey = expand(key, authenticationLabel, nonce);
  const isAuthentic = (lengthBits: number) =>
    timingSafeEqual(tag, mac(authenticationKey, preAuthEncode(parts, lengthBits)));
  // Prosody's util.paseto keeps only the lowest seven bits of each length. Its tokens count too, but only where nothing
  // follows the ciphertext: then the parts cannot be cut elsewhere, though their lengths are ambiguous.
  const isAlone = footer.length === 0 && implicitAssertion.length === 0;
  if (!isAuthentic(exactLength) && !(isAlone && isAuthentic(sevenBitLength))) return undefined;
  return { message: applyKeyStream(key, nonce, ciphertext), footer };
}

function splitToken(token: string) {
  if (!token.startsWith(localHeader)) return undefined;
  const dot = token.indexOf('.', localHeader.length);
  const body = decodeBase64url(token.slice(localHeader.length, dot === -1 ? undefined : dot));
  const footer = dot === -1 ? nothing : decodeBase64url(token.slice(dot + 1));
  if (body === undefined || body.length < nonceLength + tagLength) return undefined;
  if (footer === undefined || (dot !== -1 && footer.length === 0)) return undefined;
  return {
    nonce: body.subarray(0, nonceLength),
    ciphertext: body.subarray(nonceLength, -tagLength),
    tag: body.subarray(-tagLength),
    footer,
  };
}

/** HKDF-Expand to 48 bytes, which for SHA-384 is one block (RFC 5869 §2.3). */
function expand(key: LocalKey, label: Uint8Array, nonce: Uint8Array): Buffer {
  return createHmac('sha384', key).update(label).update(nonce).update(firstBlock).digest();
}

/** AES-256-CTR, which encrypts and decrypts alike. */
function applyKeyStream(key: LocalKey, nonce: Uint8Array, data: Uint8Array): Buffer {
  const derived = expand(key, encryptionLabel, nonce);
  return createCipheriv('aes-256-ctr', derived.subarray(0, 32), derived.subarray(32)).update(data);
}

function mac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha384', key).update(data).digest();
}

const exactLength = 0x7fffffff;
const sevenBitLength = 0x7f;

/** Pre-Authentication Encoding: each part after its length in 64 bits, little endian (paseto-spec "Common" §PAE). */
function preAuthEncode(parts: readonly Uint8Array[], lengthBits: number): Buffer {
  const total = parts.reduce((sum, part) => sum + 8 + part.length, 8);
  const encoded = Buffer.alloc(total);
  encoded.writeUInt32LE(parts.length, 0);
  let at = 8;
  for (const part of parts) {
    encoded.writeUInt32LE(part.length & lengthBits, at);
    encoded.set(part, at + 8);
    at += 8 + part.length;
  }
  return encoded;
}
