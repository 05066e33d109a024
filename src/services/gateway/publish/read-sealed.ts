import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Sealed } from './content.js';
import { readToken } from './read-token.js';

/** The most that push services take (RFC 8030 §7.2), and that in base64 with a line break here and there. */
const maxBytes = 4_096;
const maxDigits = 6_000;

/**
 * Reads what is encrypted for the browser already, out of a notification, with the token beside it; undefined if there is nothing
 * of that.
 * @throws {StanzaError} if it is none, or more than push services take
 */
export function readSealed(notification: Element): Pick<Sealed, 'body' | 'token'> | undefined {
  const payload = notification.child('encrypted', ns.sealedEnvelope)?.child('payload');
  if (payload === undefined) return undefined;
  const jwt = notification.elements().find(({ name }) => name === 'jwt');
  return { body: readBody(payload.text()), token: jwt && readToken(jwt) };
}

function readBody(text: string): Uint8Array {
  const digits = text.length > maxDigits ? '' : text.replace(/\s/g, '');
  const body = /^[\w+/-]+={0,2}$/.test(digits) ? Buffer.from(digits, 'base64') : undefined;
  if (body !== undefined && body.length > 0 && body.length <= maxBytes) return body;
  throw new StanzaError('bad-request', `The <payload/> is not the base64 of 1 to ${maxBytes} bytes.`);
}
