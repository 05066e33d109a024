import type { Element } from '../../../xmpp/element.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { VapidToken } from './content.js';

/** Push services take no header fields that are much longer. */
const maxLength = 2_048;

const keyBytes = 65;
const uncompressed = 4;

/**
 * Reads `<jwt key='…'>…</jwt>` (`urn:xmpp:push2:0`): whether the push service accepts it is for that to say, but it must be one to
 * stand in a header field.
 * @throws {StanzaError} if it is none
 */
export function readToken(jwt: Element): VapidToken {
  const token = jwt.text().trim();
  const claims = claimsOf(token);
  if (claims === undefined) throw new StanzaError('bad-request', 'The <jwt/> has no token that can be read.');
  const key = readKey(jwt.attr('key') ?? '');
  const { exp } = claims;
  return {
    authorization: `vapid t=${token}, k=${key.toString('base64url')}`,
    expiresAt: typeof exp === 'number' ? exp : undefined,
  };
}

/** Of a compact serialization (RFC 7515 §7.1). */
function claimsOf(token: string): { readonly exp?: unknown } | undefined {
  if (token.length > maxLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
  const [, payload = ''] = token.split('.');
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** A point on P-256, in base64 or base64url. */
function readKey(text: string): Buffer {
  const key = /^[\w+/-]{87}=?$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (key.length === keyBytes && key[0] === uncompressed) return key;
  throw new StanzaError('bad-request', `The key of the <jwt/> is not the base64 of ${keyBytes} bytes.`);
}
