import { isIP } from 'node:net';
import { isPrivateAddress, isPublicAddress } from './public-address.js';

/** An address for requests that somebody else has named, or why none goes there: a sentence without the address. */
export type OutgoingUrl =
  | {
      readonly kind: 'url';
      /** As the URL standard writes it. */
      readonly href: string;
      /** Scheme, host, and port if that is not 443. */
      readonly origin: string;
      /** A name in ASCII and lower case, or an IP address, IPv6 without brackets. */
      readonly hostname: string;
      readonly port: number;
    }
  | { readonly kind: 'refused'; readonly why: string };

export interface OutgoingUrlOptions {
  /** Whether addresses of private networks, of the machine itself and their names pass. */
  readonly allowPrivateNetworks: boolean;
}

/** Why nothing is sent to a host wherever that is, or is not. */
export const notPublic = 'Its host is not in the public network.';

const maxBytes = 1_000;
const httpsPort = 443;
const firstOpenPort = 1_024;

/** What URLs are written in; the parser would drop line breaks, and map what only looks like a digit or a dot. */
const printableAscii = /^[\x21-\x7e]+$/;

/** Names that mean something else in each network (RFC 6761, 6762, 7686, 8375, and what is kept for private use). */
const localNames =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|onion|alt|test|example|invalid)$/;

/**
 * Reads an address that somebody else has named: `https`, nobody's name and password in it, no fragment, at most 1,000 bytes,
 * no port that is a known service of another kind, and a host that is not by itself in a private network. What a name leads to
 * is for the guard to say.
 */
export function parseOutgoingUrl(text: string, options: OutgoingUrlOptions): OutgoingUrl {
  if (text.length > maxBytes) return refused(`It has more than ${maxBytes} bytes.`);
  if (!printableAscii.test(text)) return refused('It has characters that no URL has.');
  if (text.includes('#')) return refused('It has a fragment.');
  const url = parsed(text);
  return url === undefined ? refused('It is no URL.') : checked(url, options);
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function checked(url: URL, options: OutgoingUrlOptions): OutgoingUrl {
  const { href, origin, protocol } = url;
  if (protocol !== 'https:') return refused('It is not https.');
  if (url.username !== '' || url.password !== '') return refused('It has a user in it.');
  if (href.length > maxBytes) return refused(`It has more than ${maxBytes} bytes.`);
  const port = url.port === '' ? httpsPort : Number(url.port);
  if (port !== httpsPort && port < firstOpenPort)
    return refused(`Its port is neither ${httpsPort} nor ${firstOpenPort} or above.`);
  const hostname = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const why = isIP(hostname) === 0 ? whyNotName(hostname, options) : whyNotAddress(hostname, options);
  return why === undefined ? { kind: 'url', href, origin, hostname, port } : refused(why);
}

/** Why nothing is sent to an IP address; undefined if it may be. */
export function whyNotAddress(
  address: string,
  { allowPrivateNetworks }: OutgoingUrlOptions,
): string | undefined {
  if (isPublicAddress(address) || (allowPrivateNetworks && isPrivateAddress(address))) return undefined;
  return notPublic;
}

function whyNotName(name: string, { allowPrivateNetworks }: OutgoingUrlOptions): string | undefined {
  if (name.endsWith('.')) return 'Its host ends with a dot.';
  if (allowPrivateNetworks) return undefined;
  const isLocal = !name.includes('.') || localNames.test(name);
  return isLocal ? 'Its host has a name that is not of the public network.' : undefined;
}

const refused = (why: string): OutgoingUrl => ({ kind: 'refused', why });
