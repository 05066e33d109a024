import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';

/** What a stream of another server's is offered. */
export interface Offer {
  readonly startTls: 'no' | 'optional' | 'required';
  /** Its certificate proves that it is who it says: SASL EXTERNAL (XEP-0178). */
  readonly external: boolean;
  readonly dialback: boolean;
  readonly bidi: boolean;
}

/** Stream features (RFC 6120 §4.3.2) for another server. */
export function offerFeatures({ startTls, external, dialback, bidi }: Offer): Element {
  const offered: Element[] = [];
  const required = startTls === 'required' ? [el('required', ns.tls)] : [];
  if (startTls !== 'no') offered.push(el('starttls', ns.tls, {}, ...required));
  if (external) offered.push(el('mechanisms', ns.sasl, {}, el('mechanism', ns.sasl, {}, 'EXTERNAL')));
  if (dialback) offered.push(el('dialback', ns.dialbackFeature, {}, el('errors', ns.dialbackFeature)));
  if (bidi) offered.push(el('bidi', ns.bidiFeature));
  return el('features', ns.streams, {}, ...offered);
}

/** What another server offers, as far as it is of use. */
export function readFeatures(features: Element): Omit<Offer, 'dialback'> {
  const startTls = features.child('starttls', ns.tls);
  const required = startTls?.child('required') === undefined ? 'optional' : 'required';
  const mechanisms = features.child('mechanisms', ns.sasl)?.elements() ?? [];
  return {
    startTls: startTls === undefined ? 'no' : required,
    external: mechanisms.some((mechanism) => mechanism.text().trim() === 'EXTERNAL'),
    bidi: features.child('bidi', ns.bidiFeature) !== undefined,
  };
}
