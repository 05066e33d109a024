import { createECDH, randomBytes } from 'node:crypto';
import ece from 'http_ece';

/** The keys of a browser's subscription (RFC 8291 §2). */
export interface PushKeys {
  /** Base64url, as `PushSubscription.toJSON()` has them. */
  readonly p256dh: string;
  readonly auth: string;
}

/** Who has made a subscription, and reads what comes for it. */
export interface PushUserAgent {
  readonly keys: PushKeys;
  /** The text of a message, by an implementation that is not ours; undefined if it was not encrypted for this subscription. */
  decrypt(body: Buffer): string | undefined;
}

export function createPushUserAgent(): PushUserAgent {
  const privateKey = createECDH('prime256v1');
  const p256dh = privateKey.generateKeys().toString('base64url');
  const auth = randomBytes(16).toString('base64url');
  return {
    keys: { p256dh, auth },
    decrypt(body) {
      try {
        return ece.decrypt(body, { version: 'aes128gcm', privateKey, authSecret: auth }).toString();
      } catch {
        return undefined;
      }
    },
  };
}
