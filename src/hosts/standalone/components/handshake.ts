import { createHash, timingSafeEqual } from 'node:crypto';
import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StreamError } from '../../../xmpp/stream-error.js';

/**
 * Reads the header of a component's stream (XEP-0114 §3); answers the domain that it wants to be, in prepared form.
 * @throws {StreamError} `invalid-namespace`, `improper-addressing`
 */
export function readComponentHeader(header: Element, contentNamespace: string): string {
  if (!header.is('stream', ns.streams) || contentNamespace !== ns.componentAccept)
    throw new StreamError('invalid-namespace', `Components use the namespace ${ns.componentAccept}.`);
  const to = Jid.tryParse(header.attr('to'));
  if (to === undefined || !to.isDomain)
    throw new StreamError('improper-addressing', 'Give the domain of the component in "to".');
  return to.domain;
}

/** The server's answer to it. */
export function writeComponentHeader(from: string, id: string): string {
  // Both are of characters that need no escapes: a prepared domain, and an id of ours.
  const names = `xmlns='${ns.componentAccept}' xmlns:stream='${ns.streams}'`;
  return `<?xml version='1.0'?><stream:stream ${names} from='${from}' id='${id}'>`;
}

/** Whether a handshake proves that its author has the secret (XEP-0114 §3, step 3). */
export function isHandshake(element: Element, streamId: string, secret: string): boolean {
  if (!element.is('handshake', ns.client)) return false;
  const expected = createHash('sha1').update(`${streamId}${secret}`).digest('hex');
  const given = Buffer.from(element.text().trim().toLowerCase());
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}
