import type { Element } from '../../../xmpp/element.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { SubscriptionType } from './subscription.js';

/** What a presence stanza is about (RFC 6121 §4.7.1); without a type it says that its sender is available. */
type PresenceKind = 'available' | 'unavailable' | 'error' | 'probe' | SubscriptionType;

const kinds: ReadonlyMap<string | undefined, PresenceKind> = new Map<string | undefined, PresenceKind>([
  [undefined, 'available'],
  ['unavailable', 'unavailable'],
  ['error', 'error'],
  ['probe', 'probe'],
  ['subscribe', 'subscribe'],
  ['subscribed', 'subscribed'],
  ['unsubscribe', 'unsubscribe'],
  ['unsubscribed', 'unsubscribed'],
]);

/** @throws {StanzaError} `bad-request` for a type that is none (RFC 6121 §4.7.1) */
export function kindOf(stanza: Element): PresenceKind {
  const kind = kinds.get(stanza.attr('type'));
  if (kind === undefined) throw new StanzaError('bad-request', 'There is no such type of presence.');
  return kind;
}

/** Read as an `xs:byte` with white space around it. */
const integer = /^[\t\n\r ]*([+-]?[0-9]{1,16})[\t\n\r ]*$/;

/**
 * The priority of available presence, -128 to 127, 0 if it says none (RFC 6121 §4.7.2.3).
 * @throws {StanzaError} `bad-request` if it is no such number, or there are two
 */
export function priorityOf(stanza: Element): number {
  const [first, ...others] = stanza.elements().filter((child) => child.is('priority', stanza.ns));
  if (first === undefined) return 0;
  const digits = integer.exec(first.text())?.[1];
  const priority = digits === undefined ? Number.NaN : Number(digits);
  if (others.length === 0 && priority >= -128 && priority <= 127) return priority + 0;
  throw new StanzaError('bad-request', 'The priority is one integer between -128 and 127.');
}
