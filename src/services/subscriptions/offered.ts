import type { OutgoingUrl } from '../../net/outgoing-url.js';
import { parseSubscription, type Subscription } from '../../web-push/subscription.js';
import { StanzaError } from '../../xmpp/stanza-error.js';

/** A subscription as a client hands it over: the endpoint, and keys as base64url, base64 or hexadecimal digits. */
export interface OfferedSubscription {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

/**
 * Reads what a client offers.
 * @throws {StanzaError} if a part is not what it should be
 */
export function readOffered(
  offered: OfferedSubscription,
  parseUrl: (text: string) => OutgoingUrl,
): Subscription {
  const read = parseSubscription(offered, parseUrl);
  if (!('kind' in read)) return read;
  if (read.part === 'endpoint') throw refusedEndpoint(read.why);
  throw new StanzaError('bad-request', `The ${read.part} cannot be used. ${read.why}`);
}

/** Nothing is sent there: `why` is a sentence without the endpoint. */
export function refusedEndpoint(why: string): StanzaError {
  return new StanzaError('policy-violation', `The endpoint cannot be used. ${why}`);
}
