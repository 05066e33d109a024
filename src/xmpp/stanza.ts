import { Element, el, type Node } from './element.js';
import { ns } from './ns.js';
import type { StanzaError } from './stanza-error.js';

/** Whether an element of a stream is a stanza (RFC 6120 §8). */
export function isStanza({ name, ns: namespace }: Element): boolean {
  return namespace === ns.client && (name === 'message' || name === 'presence' || name === 'iq');
}

/** Attributes that every stanza may have (RFC 6120 §8.1); addresses as text, in prepared form. */
export interface StanzaAttributes {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly id?: string | undefined;
}

/** An IQ request (RFC 6120 §8.2.3). Built without detours: every push passes here. */
export function iqRequest(
  type: 'get' | 'set',
  attrs: { readonly from: string; readonly to: string; readonly id: string },
  payload: Element,
): Element {
  const { from, to, id } = attrs;
  return new Element('iq', ns.client, { type, id, from, to }, [payload]);
}

/** A message (RFC 6121 §5); without a type it is a `normal` one. */
export function message(
  attrs: StanzaAttributes & { readonly type?: 'chat' | 'error' | 'groupchat' | 'headline' | 'normal' },
  ...children: readonly Node[]
): Element {
  return el('message', ns.client, { ...attrs }, ...children);
}

/** Presence (RFC 6121 §4); without a type it says that its sender is available. */
export function presence(
  attrs: StanzaAttributes & {
    readonly type?:
      | 'error'
      | 'probe'
      | 'subscribe'
      | 'subscribed'
      | 'unavailable'
      | 'unsubscribe'
      | 'unsubscribed';
  },
  ...children: readonly Node[]
): Element {
  return el('presence', ns.client, { ...attrs }, ...children);
}

/** The stanza with prepared addresses; as it is if it has them already, as most have. */
export function withAddresses(stanza: Element, from: string, to: string): Element {
  if (stanza.attrs['from'] === from && stanza.attrs['to'] === to) return stanza;
  return stanza.withAttrs({ from, to });
}

/** The result of an IQ request: addresses swapped, the same id (RFC 6120 §8.2.3). */
export function iqResult(request: Element, payload?: Element): Element {
  return reply(request, 'result', payload === undefined ? [] : [payload]);
}

/**
 * The error reply to a stanza of any kind: addresses swapped, the same id, without the payload, so that a reply is
 * never much larger than what provoked it. Undefined if the stanza is itself an error or a result, because nobody
 * may answer those (RFC 6120 §8.3.1).
 */
export function errorReply(stanza: Element, error: StanzaError): Element | undefined {
  const type = stanza.attr('type');
  if (type === 'error' || (type === 'result' && stanza.name === 'iq')) return undefined;
  return reply(stanza, 'error', [error.toElement()]);
}

function reply(stanza: Element, type: string, children: readonly Node[]): Element {
  const attrs = { type, id: stanza.attr('id'), from: stanza.attr('to'), to: stanza.attr('from') };
  return el(stanza.name, ns.client, attrs, ...children);
}
