import { createHmac } from 'node:crypto';

/** RFC 8030 §5.4 allows 32 characters: that many bytes in base64url. */
const topicBytes = 24;

/**
 * The topic by which a push service knows an undelivered message that a newer one replaces (RFC 8030 §5.4). Without the
 * subscription's secret nobody finds out what it stands for, nor that two subscriptions have it in common.
 */
export function sealedTopic(auth: Uint8Array, account: string, about: string): string {
  const hmac = createHmac('sha256', auth).update(`topic\0${account}\0${about}`).digest();
  return hmac.toString('base64url', 0, topicBytes);
}
