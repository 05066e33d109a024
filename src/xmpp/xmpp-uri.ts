import { Jid, JidError } from './jid.js';

const form = /^xmpp:(?:\/\/[^/?#]*\/)?(?:([^@/?#]+)@)?([^/?#]+)(?:\/([^?#]+))?(?:[?#]|$)/i;

/**
 * The address that an XMPP URI or IRI names (RFC 5122 §2): of `xmpp:room@service/nick`, whatever query follows; an account
 * to act as (`xmpp://account/`) is passed over. Undefined for what is none. What is not percent-encoded although it should
 * be is taken as it is, for the nicks of people come that way.
 */
export function jidOfUri(uri: string): Jid | undefined {
  const [match, local = '', domain = '', resource = ''] = form.exec(uri) ?? [];
  if (match === undefined) return undefined;
  try {
    return Jid.of(decode(local), decode(domain), decode(resource));
  } catch (error) {
    if (error instanceof JidError) return undefined;
    throw error;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
