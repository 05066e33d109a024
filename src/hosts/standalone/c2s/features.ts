import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { feature as streamManagement } from '../stream-management/protocol.js';

/** What a stream offers before authentication (RFC 6120 §4.3.2). */
export interface AuthenticationOffer {
  readonly startTls: 'no' | 'optional' | 'required';
  /** SASL mechanisms, the best first. */
  readonly mechanisms: readonly string[];
  /** Channel-binding types (XEP-0440). */
  readonly bindings: readonly string[];
  /** Features of others. */
  readonly more: readonly Element[];
}

/** What a stream offers to a client that has not authenticated. */
export function authenticationFeatures({
  startTls,
  mechanisms,
  bindings,
  more,
}: AuthenticationOffer): Element {
  const offered: Element[] = [];
  if (startTls !== 'no') offered.push(el('starttls', ns.tls, {}, ...required(startTls)));
  if (mechanisms.length > 0) {
    const names = mechanisms.map((name) => el('mechanism', ns.sasl, {}, name));
    offered.push(el('mechanisms', ns.sasl, {}, ...names));
  }
  if (mechanisms.length > 0 && bindings.length > 0) {
    const types = bindings.map((type) => el('channel-binding', ns.saslChannelBinding, { type }));
    offered.push(el('sasl-channel-binding', ns.saslChannelBinding, {}, ...types));
  }
  return el('features', ns.streams, {}, ...offered, ...more);
}

const required = (startTls: 'optional' | 'required') =>
  startTls === 'required' ? [el('required', ns.tls)] : [];

/**
 * What a stream offers to a client that has authenticated. Sessions of RFC 3921 exist no more, but older clients wait
 * for the offer.
 */
export function sessionFeatures(more: readonly Element[]): Element {
  return el(
    'features',
    ns.streams,
    {},
    el('bind', ns.bind),
    el('session', ns.session, {}, el('optional', ns.session)),
    streamManagement,
    el('ver', ns.rosterVersioning),
    el('sub', ns.preApproval),
    ...more,
  );
}
