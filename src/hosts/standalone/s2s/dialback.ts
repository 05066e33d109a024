import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import type { StanzaError } from '../../../xmpp/stanza-error.js';
import type { DomainPair } from './context.js';

/** What a key is for (XEP-0185): whoever has the stream's id and does not know the secret can make none. */
export interface KeyScope {
  /** The domain that stanzas go to, whose server gave out the stream's id. */
  readonly receiving: string;
  /** The domain that stanzas come from, whose server makes the key. */
  readonly originating: string;
  readonly streamId: string;
}

/** The key for a stream and two domains (XEP-0185 §2). */
export function dialbackKey(secret: Uint8Array, { receiving, originating, streamId }: KeyScope): string {
  const hashed = createHash('sha256').update(secret).digest('hex');
  return createHmac('sha256', hashed).update(`${receiving} ${originating} ${streamId}`).digest('hex');
}

/** Whether a key that somebody shows is the one of the scope. */
export function isDialbackKey(secret: Uint8Array, scope: KeyScope, shown: string): boolean {
  const [expected, given] = [Buffer.from(dialbackKey(secret, scope)), Buffer.from(shown)];
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** What somebody else said by dialback (XEP-0220 §2): a request if it has no type, else an answer. */
export interface DialbackElement {
  readonly kind: 'result' | 'verify';
  /** `local` is whom it was sent to, `remote` who says to have sent it. */
  readonly pair: DomainPair;
  readonly type: string | undefined;
  /** The stream that a `verify` is about. */
  readonly id: string | undefined;
  readonly key: string;
}

/** Undefined if it is none, or its addresses are no domains. */
export function readDialback(element: Element): DialbackElement | undefined {
  const { name: kind } = element;
  const local = domainIn(element.attr('to'));
  const remote = domainIn(element.attr('from'));
  if (element.ns !== ns.dialback || (kind !== 'result' && kind !== 'verify')) return undefined;
  if (local === undefined || remote === undefined) return undefined;
  const [type, id] = [element.attr('type'), element.attr('id')];
  return { kind, pair: { local, remote }, type, id, key: element.text().trim() };
}

function domainIn(text: string | undefined): string | undefined {
  const address = Jid.tryParse(text);
  return address?.isDomain === true ? address.domain : undefined;
}

/** A request: the key itself, or the question whether it is right. Others only know the prefix `db`. */
export function dialbackRequest(
  kind: DialbackElement['kind'],
  { local, remote }: DomainPair,
  key: string,
  id?: string,
): Element {
  return el(`db:${kind}`, ns.client, { from: local, to: remote, id }, key);
}

/** The answer to a request (XEP-0220 §2.4): an error is no verdict on the key. */
export function dialbackAnswer(
  { kind, pair: { local, remote }, id }: DialbackElement,
  answer: 'valid' | 'invalid' | StanzaError,
): Element {
  const isVerdict = typeof answer === 'string';
  const children = isVerdict ? [] : [answer.toElement()];
  return el(
    `db:${kind}`,
    ns.client,
    { from: local, to: remote, id, type: isVerdict ? answer : 'error' },
    ...children,
  );
}
