import { stanzaErrorFor } from '../../../errors.js';
import type { Events } from '../../../observability/events.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { PushOutcome } from '../../web-push/web-push.js';

/** How a publish ended, as it is told to those who watch; and what its sender hears if that is not a result. */
export interface Answer {
  readonly outcome: Parameters<Events['gatewayPublish']>[0]['outcome'];
  readonly reason?: string;
  readonly error?: StanzaError;
}

/**
 * What is final for a registration is `cancel/item-not-found`, which makes servers forget it; what may pass is of type `wait`, which
 * they put up with (XEP-0357 §7). Tigase goes by the condition alone, and puts up with few: `service-unavailable` is one of them.
 */
export const answers = {
  unwanted: { outcome: 'unwanted' },
  unknown: { outcome: 'unknown', error: itemNotFound('There is no such device.') },
  gone: { outcome: 'gone', error: itemNotFound('The device is not registered any more.') },
  wrongSecret: forbidden('wrong secret', 'The secret is missing, or not that of the node.'),
  notByServer: forbidden('full JID', 'Publish from the domain of the account, or from its bare JID.'),
  notItsServer: forbidden('not of the account', 'The node is not of an account there.'),
  notPermitted: { outcome: 'forbidden', reason: 'not permitted', error: stanzaErrorFor('not-permitted') },
  renewedMeanwhile: {
    outcome: 'retry',
    reason: 'renewed meanwhile',
    error: unavailable('The device has changed its subscription. Try again.'),
  },
  storageFailed: { outcome: 'retry', reason: 'storage failed', error: stanzaErrorFor('storage-failed') },
  tokenExpired: malformed(new StanzaError('bad-request', 'The token of the <jwt/> has expired.')),
} as const satisfies Readonly<Record<string, Answer>>;

/** It cannot be read, or not be what it is said to be. */
export function malformed(error: StanzaError): Answer {
  return { outcome: 'malformed', reason: error.text, error };
}

/** For what changes nothing for the registration. What a push service says goes into the log, not to other servers. */
export function answerTo(outcome: Exclude<PushOutcome, { readonly kind: 'gone' }>): Answer {
  if (outcome.kind === 'delivered') return { outcome: 'delivered' };
  const { kind, reason } = outcome;
  if (kind === 'queued') return { outcome: kind, reason };
  const text =
    kind === 'retry'
      ? 'It cannot be sent now, nor kept. Try again later.'
      : 'The push service of the device has refused the message.';
  return { outcome: kind, reason, error: unavailable(text) };
}

function itemNotFound(text: string): StanzaError {
  return new StanzaError('item-not-found', text);
}

function unavailable(text: string): StanzaError {
  return new StanzaError('service-unavailable', text, 'wait');
}

function forbidden(reason: string, text: string): Answer {
  return { outcome: 'forbidden', reason, error: new StanzaError('forbidden', text) };
}
