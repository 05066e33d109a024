import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StreamError } from '../../../xmpp/stream-error.js';

/** What a client said when it opened its stream, checked. */
export interface ClientHeader {
  /** The address it claims, in prepared form; undefined if it gave none or an invalid one. */
  readonly from: string | undefined;
  /** The language of its stanzas that do not say. */
  readonly lang: string | undefined;
}

const languageTag = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}$/;

/**
 * Reads a client's stream header (RFC 6120 §4.7, §4.8).
 * @throws {StreamError} `invalid-namespace`, `unsupported-version`, `improper-addressing`, `host-unknown`
 */
export function readHeader(header: Element, contentNamespace: string, domain: Jid): ClientHeader {
  if (contentNamespace !== ns.client)
    throw new StreamError('invalid-namespace', `Clients use the namespace ${ns.client}.`);
  checkVersion(header.attr('version'));
  checkAddress(header.attr('to'), domain);
  const lang = header.attr('xml:lang');
  return {
    from: Jid.tryParse(header.attr('from'))?.toString(),
    lang: lang !== undefined && languageTag.test(lang) ? lang : undefined,
  };
}

/** Absent means 0.9 (RFC 6120 §4.7.5). */
function checkVersion(version = '0.9'): void {
  const major = /^0*(\d{1,9})\.\d{1,9}$/.exec(version)?.[1];
  if (major === undefined || Number(major) < 1)
    throw new StreamError('unsupported-version', 'The lowest version is 1.0.');
}

function checkAddress(to: string | undefined, domain: Jid): void {
  const asked = Jid.tryParse(to);
  if (asked === undefined) throw new StreamError('improper-addressing', 'Give the domain in "to".');
  if (!asked.equals(domain)) throw new StreamError('host-unknown', 'This server is for another domain.');
}
