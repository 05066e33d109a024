import type { StanzaCondition, StanzaError } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { StreamFailure } from './context.js';
import type { StreamEnd } from './server-stream.js';

/** It may be another time. */
const passing = (reason: string): StreamFailure => ({
  condition: 'remote-server-timeout',
  reason,
  isFinal: false,
});

export const tooSlow = passing('The server did not answer in time.');
export const closedEarly = passing('The server closed the connection before it was ready.');
export const lost = passing('The connection was lost.');

export const noEncryption: StreamFailure = {
  condition: 'remote-server-not-found',
  reason: 'The server offers no encryption.',
  remedy: 'Talk with it all the same by standalone.s2s_require_encryption: false, if you must.',
  isFinal: false,
};

/** `flaw` is the end of a sentence about the certificate. */
export const badCertificate = (flaw: string): StreamFailure => ({
  condition: 'remote-server-not-found',
  reason: `The certificate of the server ${flaw}.`,
  remedy: 'Its operator has to mend that; or put the domain into standalone.s2s_insecure_domains.',
  isFinal: false,
});

export const noStreamId: StreamFailure = {
  condition: 'remote-server-not-found',
  reason: 'The server gave its stream no id.',
  isFinal: true,
};

/** The server did not take our key (XEP-0220 §2.1.1). */
export const keyRefused: StreamFailure = {
  condition: 'internal-server-error',
  reason: 'The server found our dialback key invalid.',
  remedy: 'Check that the DNS records of your domain lead to this server and to no other.',
  isFinal: true,
};

/** It could not, or would not, find out (XEP-0220 §2.1.1, §2.4.2). */
export function dialbackFailure({ condition, text }: StanzaError): StreamFailure {
  const remedy = remedies[condition];
  return {
    condition: 'remote-server-timeout',
    reason: `The server refused dialback: ${said(condition, text)}.`,
    ...(remedy !== undefined && { remedy }),
    isFinal: condition !== 'resource-constraint',
  };
}

const remedies: Readonly<Partial<Record<StanzaCondition, string>>> = {
  'not-authorized': 'It wants a certificate of an authority: set standalone.tls.',
  'remote-server-not-found': 'It cannot connect to this server: check DNS, and the port of standalone.s2s.',
  'remote-server-timeout': 'It cannot connect to this server: check DNS, and the port of standalone.s2s.',
};

/** Stream errors by which a server says that it never will. */
const refusals: ReadonlySet<string> = new Set([
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'invalid-from',
  'not-authorized',
  'policy-violation',
]);

function streamErrorFailure({ condition, text }: StreamError): StreamFailure {
  const isFinal = refusals.has(condition);
  return {
    condition: isFinal ? 'remote-server-not-found' : 'remote-server-timeout',
    reason: `The server ended the stream: ${said(condition, text)}.`,
    isFinal,
  };
}

/** Why a stream that was ready is over, for events; nothing if it came to a good end. */
export const reasonFor = (failure: StreamFailure | undefined): { readonly reason?: string } =>
  failure === undefined ? {} : { reason: failure.reason };

/** What came to pass on a stream, if that was no good end of one that was ready. */
export function failureOf({ by, error }: StreamEnd, isReady: boolean): StreamFailure | undefined {
  if (by === 'us')
    return error === undefined
      ? undefined
      : passing(`The stream was ended here: ${error.message.replace(/\.$/, '')}.`);
  if (error instanceof StreamError) return streamErrorFailure(error);
  if (by === 'them') return isReady ? undefined : closedEarly;
  if (error !== undefined) return passing(`The connection failed: ${error.message}.`);
  return isReady ? lost : closedEarly;
}

/** An error of the other server's, for a log line. */
const said = (condition: string, text: string) => (text === '' ? condition : `${condition}, ${quote(text)}`);

/** The longest text of others that goes into a log line. */
const maxQuote = 200;

const quote = (text: string) => `"${text.length > maxQuote ? `${text.slice(0, maxQuote)}…` : text}"`;
