import type { Jid } from '../../xmpp/jid.js';

/** What a device asked for: pushes for one application instance, to one resource, until a point in time. */
export interface Registration {
  /** The full JID that registered and that pushes go to. */
  readonly jid: Jid;
  /** Base64 of the application's SHA-256; a bearer secret, never logged. */
  readonly application: string;
  /** Base64 of the instance's SHA-256; a bearer secret, never logged. */
  readonly instance: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/**
 * 32 bytes in padded base64 of the standard alphabet, in its one canonical form: the last character before the padding
 * carries four bits, its two lowest are zero (RFC 4648 §3.5).
 */
const canonicalHash = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** True for the canonical base64 of exactly 32 bytes: what a client sends for `application` and `instance`. */
export function isHash(text: string): boolean {
  return canonicalHash.test(text);
}

/**
 * What stays the same when a registration is renewed, under another resource too: account, application, instance. For
 * counting; it holds secrets.
 */
export function registrationKey({ jid, application, instance }: Registration): string {
  return `${application}${instance}${jid.bare()}`;
}
