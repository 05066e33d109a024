import { createCipheriv, createHmac, randomFillSync } from 'node:crypto';
import { type Agreement, agreeWith, createAgree, pointBytes } from './agreement.js';
import type { SubscriptionKeys } from './subscription.js';

/** The longest payload whose message is 4,096 bytes long, the most that a push service must take (RFC 8030 §7.2). */
export const maxPayloadBytes = 3993;

/** The longest payload that all push services take: some are content with no more. */
export const portablePayloadBytes = 2847;

const authBytes = 16;
const saltBytes = 16;
const tagBytes = 16;
const recordSize = 4096;

/** Salt, record size, length of the sender's public key, that key (RFC 8188 §2.1, RFC 8291 §4). */
const headerBytes = saltBytes + 4 + 1 + pointBytes;

// HKDF-Expand (RFC 5869 §2.3) of what one hash can hold is one HMAC over the info and this byte.
const expandOnce = '\x01';
const keyInfo = Buffer.from('WebPush: info\0');
const cekInfo = Buffer.from(`Content-Encoding: aes128gcm\0${expandOnce}`);
const nonceInfo = Buffer.from(`Content-Encoding: nonce\0${expandOnce}`);

export interface EncryptOptions {
  /** How many zeros follow the payload, to hide its length; payload and padding are at most 3,993 bytes. */
  readonly padding?: number;
  /** 16 bytes, never used twice; random if it is left out. */
  readonly salt?: Uint8Array;
  /** 32 bytes, never used twice; a new one is made if it is left out. */
  readonly senderPrivateKey?: Uint8Array;
}

/**
 * Encrypts a payload for a user agent: the body of a push message, in one record of `aes128gcm` (RFC 8291 §4), 103 bytes longer
 * than payload and padding. Throws a RangeError for what is too long and a TypeError for keys of a wrong length; an Error for a
 * key that is no point on the curve.
 */
export function encrypt(
  keys: SubscriptionKeys,
  payload: Uint8Array,
  options: EncryptOptions = {},
): Uint8Array {
  const { padding = 0, salt, senderPrivateKey } = options;
  assertEncryptable(keys, payload.length + padding);
  const agreement =
    senderPrivateKey === undefined ? createAgree()(keys.p256dh) : agreeWith(senderPrivateKey, keys.p256dh);
  return encryptWith(agreement, keys, payload, padding, salt);
}

/** Throws what `encrypt` throws for lengths, before anything is done. */
export function assertEncryptable(keys: SubscriptionKeys, length: number): void {
  if (keys.p256dh.length !== pointBytes) throw new TypeError('a p256dh has 65 bytes');
  if (keys.auth.length !== authBytes) throw new TypeError('an auth has 16 bytes');
  if (length > maxPayloadBytes) throw new RangeError(`a payload has at most ${maxPayloadBytes} bytes`);
}

/** The same with an agreement that is there already; what is given was asserted. An agreement is good for one message. */
export function encryptWith(
  agreement: Agreement,
  keys: SubscriptionKeys,
  payload: Uint8Array,
  padding = 0,
  salt?: Uint8Array,
): Uint8Array {
  const body = Buffer.allocUnsafe(headerBytes + payload.length + 1 + padding + tagBytes);
  writeHeader(body, agreement.senderPublicKey, salt);
  const { cek, nonce } = contentKeys(agreement, keys, body.subarray(0, saltBytes));
  const cipher = createCipheriv('aes-128-gcm', cek, nonce);
  body.set(cipher.update(payload), headerBytes);
  body.set(cipher.update(delimiter(padding)), headerBytes + payload.length);
  cipher.final();
  body.set(cipher.getAuthTag(), body.length - tagBytes);
  return body;
}

function writeHeader(body: Buffer, senderPublicKey: Uint8Array, salt: Uint8Array | undefined): void {
  if (salt === undefined) randomFillSync(body, 0, saltBytes);
  else body.set(salt);
  body.writeUInt32BE(recordSize, saltBytes);
  body.writeUInt8(pointBytes, saltBytes + 4);
  body.set(senderPublicKey, saltBytes + 5);
}

/** RFC 8291 §3.4. By HMAC alone: `hkdfSync` takes four times as long. */
function contentKeys(agreement: Agreement, keys: SubscriptionKeys, salt: Uint8Array) {
  const prkKey = hmac(keys.auth, agreement.secret);
  const ikm = createHmac('sha256', prkKey)
    .update(keyInfo)
    .update(keys.p256dh)
    .update(agreement.senderPublicKey)
    .update(expandOnce)
    .digest();
  const prk = hmac(salt, ikm);
  return { cek: hmac(prk, cekInfo).subarray(0, 16), nonce: hmac(prk, nonceInfo).subarray(0, 12) };
}

function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** Ends the payload of the last record; zeros after it are padding (RFC 8188 §2). */
function delimiter(padding: number): Uint8Array {
  const end = new Uint8Array(1 + padding);
  end[0] = 2;
  return end;
}
