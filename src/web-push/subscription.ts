import { ECDH } from 'node:crypto';
import type { OutgoingUrl } from '../net/outgoing-url.js';

/** What a message is encrypted with for a subscription (RFC 8291 §2). Secret: never logged. */
export interface SubscriptionKeys {
  /** The public key of the user agent, a point on P-256: 65 bytes, uncompressed. */
  readonly p256dh: Uint8Array;
  /** 16 bytes. */
  readonly auth: Uint8Array;
}

/** A way to a user agent, which has made it at its push service (RFC 8030 §4). Each of its parts was checked. */
export interface Subscription extends SubscriptionKeys {
  /** As the URL standard writes it. Whoever has it can push: never logged. */
  readonly endpoint: string;
  /** Of the push service: scheme, host, and port if that is not the scheme's own. */
  readonly origin: string;
}

/** What is wrong with which part of a subscription: a sentence for whoever sent it, which does not repeat it. */
export interface RefusedSubscription {
  readonly kind: 'refused';
  readonly part: 'endpoint' | 'p256dh' | 'auth';
  readonly why: string;
}

/**
 * Reads a subscription as clients give it. Keys may be in base64url, as `PushSubscription` says them, in base64, or in hexadecimal
 * digits; whitespace around a text does not count.
 */
export function parseSubscription(
  texts: { readonly endpoint: string; readonly p256dh: string; readonly auth: string },
  parseUrl: (text: string) => OutgoingUrl,
): Subscription | RefusedSubscription {
  const url = parseUrl(texts.endpoint.trim());
  if (url.kind === 'refused') return refused('endpoint', url.why);
  const p256dh = decodeKey(texts.p256dh.trim(), 65);
  if (p256dh === undefined) return refused('p256dh', 'It is not 65 bytes in base64url.');
  if (!isUncompressedPoint(p256dh)) {
    return refused('p256dh', 'It is not an uncompressed point on the curve P-256.');
  }
  const auth = decodeKey(texts.auth.trim(), 16);
  if (auth === undefined) return refused('auth', 'It is not 16 bytes in base64url.');
  return { endpoint: url.href, origin: url.origin, p256dh, auth };
}

function refused(part: RefusedSubscription['part'], why: string): RefusedSubscription {
  return { kind: 'refused', part, why };
}

/** Only one of the encodings gives that many bytes: hexadecimal digits read as base64 are half as many again. */
function decodeKey(text: string, length: number): Uint8Array | undefined {
  const isHex = text.length === length * 2 && /^[0-9a-f]*$/i.test(text);
  if (!isHex && !isBase64(text, length)) return undefined;
  // A copy, for a Buffer this small keeps a page of memory that it shares with others.
  return new Uint8Array(Buffer.from(text, isHex ? 'hex' : 'base64'));
}

/** Of that many bytes; with or without padding, in either alphabet (RFC 4648 §4, §5). */
function isBase64(text: string, length: number): boolean {
  const digits = Math.ceil((length * 4) / 3);
  const padded = Math.ceil(length / 3) * 4;
  if (text.length !== digits && text.length !== padded) return false;
  return /^[\w+/-]+$/.test(text.slice(0, digits)) && /^=*$/.test(text.slice(digits));
}

function isUncompressedPoint(key: Uint8Array): boolean {
  if (key[0] !== 4) return false;
  try {
    ECDH.convertKey(key, 'prime256v1');
    return true;
  } catch {
    return false;
  }
}
