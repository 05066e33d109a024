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

/** Why a subscription is not taken: the part that is wrong, and what is wrong with it, without the text itself. */
export interface RefusedSubscription {
  readonly kind: 'refused';
  readonly part: 'endpoint' | 'p256dh' | 'auth';
  readonly why: string;
}

export function parseSubscription(
  _texts: { readonly endpoint: string; readonly p256dh: string; readonly auth: string },
  _parseUrl: (text: string) => OutgoingUrl,
): Subscription | RefusedSubscription {
  throw new Error('not yet');
}
