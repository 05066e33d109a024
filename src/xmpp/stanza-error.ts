import { type Element, el } from './element.js';
import { ns } from './ns.js';

/** Error types of RFC 6120 §8.3.2. */
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

/** Conditions of RFC 6120 §8.3.3, each with the type that the RFC associates with it. */
export const stanzaConditions = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, StanzaErrorType>;

export type StanzaCondition = keyof typeof stanzaConditions;

function isCondition(name: string): name is StanzaCondition {
  return Object.hasOwn(stanzaConditions, name);
}

const types: readonly string[] = ['auth', 'cancel', 'continue', 'modify', 'wait'] satisfies StanzaErrorType[];

function isType(value: string | undefined): value is StanzaErrorType {
  return value !== undefined && types.includes(value);
}

/**
 * A stanza error (RFC 6120 §8.3). A handler that throws one answers with it; an answer that arrives as an error
 * carries one.
 */
export class StanzaError extends Error {
  override readonly name = 'StanzaError';
  readonly condition: StanzaCondition;
  readonly type: StanzaErrorType;
  /** Human-readable, for the `<text/>`; empty for none. */
  readonly text: string;
  /** An application's own condition (RFC 6120 §8.3.4). */
  readonly detail: Element | undefined;

  constructor(
    condition: StanzaCondition,
    text = '',
    type: StanzaErrorType = stanzaConditions[condition],
    detail?: Element,
  ) {
    super(text === '' ? condition : `${condition}: ${text}`);
    this.condition = condition;
    this.type = type;
    this.text = text;
    this.detail = detail;
  }

  /** The `<error/>` child in the content namespace. */
  toElement(): Element {
    const condition = el(this.condition, ns.stanzaErrors);
    const text = this.text === '' ? [] : [el('text', ns.stanzaErrors, { 'xml:lang': 'en' }, this.text)];
    const detail = this.detail === undefined ? [] : [this.detail];
    return el('error', ns.client, { type: this.type }, condition, ...text, ...detail);
  }

  /**
   * Reads the error of a stanza of type `error`. What is missing or unknown becomes `undefined-condition` and the
   * condition's own type, because a peer's broken error is still an error.
   */
  static fromStanza(stanza: Element): StanzaError {
    const error = stanza.child('error', ns.client);
    const defined = error?.elements().filter((child) => child.ns === ns.stanzaErrors) ?? [];
    const name = defined.find((child) => child.name !== 'text')?.name ?? '';
    const condition = isCondition(name) ? name : 'undefined-condition';
    const text = defined.find((child) => child.name === 'text')?.text() ?? '';
    const type = error?.attr('type');
    return new StanzaError(condition, text, isType(type) ? type : stanzaConditions[condition]);
  }
}
