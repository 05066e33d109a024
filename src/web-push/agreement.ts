import { createECDH } from 'node:crypto';

/** Of a point on P-256, uncompressed. */
export const pointBytes = 65;

/** What the sender of a message has in common with the user agent that can read it (RFC 8291 §3.1). */
export interface Agreement {
  /** Of a key pair that was made for this message alone: 65 bytes. */
  readonly senderPublicKey: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/**
 * Makes agreements with a user agent's public key, each with a key pair of its own; throws if the key is no point on P-256. All
 * come from one object, which costs a fifth less than one for each.
 */
export function createAgree(): (p256dh: Uint8Array) => Agreement {
  const ecdh = createECDH('prime256v1');
  return (p256dh) => ({ senderPublicKey: ecdh.generateKeys(), secret: ecdh.computeSecret(p256dh) });
}

/** The agreement with that key pair of the sender (32 bytes). */
export function agreeWith(senderPrivateKey: Uint8Array, p256dh: Uint8Array): Agreement {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(senderPrivateKey);
  return { senderPublicKey: ecdh.getPublicKey(), secret: ecdh.computeSecret(p256dh) };
}
