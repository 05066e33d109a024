import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { StreamError } from '../../../xmpp/stream-error.js';

/** What a server said when it opened its stream, in prepared form. */
export interface PeerHeader {
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Of the stream; the side that was connected to gives it. */
  readonly id: string | undefined;
  /** It speaks as before RFC 3920: no features, no TLS, dialback at once. */
  readonly isLegacy: boolean;
}

/**
 * Reads a server's stream header (RFC 6120 §4.7, §4.8).
 * @throws {StreamError} `invalid-namespace`, `unsupported-version`, `improper-addressing`
 */
export function readPeerHeader(header: Element, contentNamespace: string): PeerHeader {
  if (contentNamespace !== ns.server)
    throw new StreamError('invalid-namespace', `Servers use the namespace ${ns.server}.`);
  return {
    from: domainIn(header, 'from'),
    to: domainIn(header, 'to'),
    id: header.attr('id'),
    isLegacy: isLegacy(header.attr('version')),
  };
}

function domainIn(header: Element, attribute: 'from' | 'to'): string | undefined {
  const text = header.attr(attribute);
  if (text === undefined) return undefined;
  const address = Jid.tryParse(text);
  if (address?.isDomain !== true)
    throw new StreamError('improper-addressing', `Give a domain in "${attribute}".`);
  return address.domain;
}

/** Absent means 0.9 (RFC 6120 §4.7.5). */
function isLegacy(version: string | undefined): boolean {
  if (version === undefined) return true;
  const major = /^0*(\d{1,9})\.\d{1,9}$/.exec(version)?.[1];
  if (major === undefined)
    throw new StreamError('unsupported-version', 'The version is two numbers with a dot.');
  return Number(major) < 1;
}

export interface OwnHeader {
  readonly from: string;
  readonly to: string | undefined;
  readonly id?: string;
  readonly isLegacy?: boolean;
}

const rootName = '<stream:stream';

export const streamEnd = '</stream:stream>';

/** Our side's header. The prefix `db` says that dialback is known (XEP-0220 §2.3.1). */
export function peerHeader({ from, to, id, isLegacy = false }: OwnHeader): string {
  const version = isLegacy ? {} : { version: '1.0', 'xml:lang': 'en' };
  const root = serialize(el('stream', ns.streams, { from, to, id, ...version }));
  const namespaces = ` xmlns='${ns.server}' xmlns:db='${ns.dialback}' xmlns:stream='${ns.streams}'`;
  return `<?xml version='1.0'?>${rootName}${namespaces}${root.slice(rootName.length, -'/>'.length)}>`;
}
