import { type Element, el } from './element.js';
import { ns } from './ns.js';

/** Conditions of RFC 6120 §4.9.3. */
const conditions = [
  'bad-format',
  'bad-namespace-prefix',
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'internal-server-error',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'restricted-xml',
  'see-other-host',
  'system-shutdown',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  'unsupported-version',
] as const;

export type StreamCondition = (typeof conditions)[number];

function isCondition(name: string): name is StreamCondition {
  return (conditions as readonly string[]).includes(name);
}

/** A stream error (RFC 6120 §4.9): it ends the stream, whoever sends it. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly condition: StreamCondition;
  /** Human-readable, for the `<text/>`; empty for none. */
  readonly text: string;
  /** What the rules of an extension say about it (RFC 6120 §4.9.4). */
  readonly detail: Element | undefined;

  constructor(condition: StreamCondition, text = '', detail?: Element) {
    super(text === '' ? condition : `${condition}: ${text}`);
    this.condition = condition;
    this.text = text;
    this.detail = detail;
  }

  /** The `<stream:error/>` element. */
  toElement(): Element {
    const children = [el(this.condition, ns.streamErrors)];
    if (this.text !== '') children.push(el('text', ns.streamErrors, { 'xml:lang': 'en' }, this.text));
    if (this.detail !== undefined) children.push(this.detail);
    return el('error', ns.streams, {}, ...children);
  }

  /** Reads a peer's `<stream:error/>`; an unknown condition becomes `undefined-condition`. */
  static fromElement(error: Element): StreamError {
    const defined = error.elements().filter((child) => child.ns === ns.streamErrors);
    const name = defined.find((child) => child.name !== 'text')?.name ?? '';
    const text = defined.find((child) => child.name === 'text')?.text() ?? '';
    return new StreamError(isCondition(name) ? name : 'undefined-condition', text);
  }
}
