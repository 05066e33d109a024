import { createCipheriv, createECDH, createHmac, randomBytes } from 'node:crypto';
import type { SubscriptionKeys } from '../../src/web-push/subscription.js';

/** What node:crypto has to do for a message at least: a key pair, a secret, five HMACs, one encryption. Nothing is put together. */
export function createBareEncryption(payload: Uint8Array): (keys: SubscriptionKeys) => Uint8Array {
  const ecdh = createECDH('prime256v1');
  const info = randomBytes(144);
  const hmac = (key: Uint8Array, data: Uint8Array) => createHmac('sha256', key).update(data).digest();
  return ({ p256dh, auth }) => {
    ecdh.generateKeys();
    const prk = hmac(auth, hmac(hmac(auth, ecdh.computeSecret(p256dh)), info));
    const cek = hmac(prk, auth).subarray(0, 16);
    const cipher = createCipheriv('aes-128-gcm', cek, hmac(prk, cek).subarray(0, 12));
    cipher.update(payload);
    cipher.final();
    return cipher.getAuthTag();
  };
}
