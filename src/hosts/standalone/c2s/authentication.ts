import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { AccountIdentity } from '../account.js';
import type { Channel, Sasl, SaslCondition, SaslExchange, SaslStep } from '../sasl/sasl.js';

/** How an element of a client's was answered: `account` is there when it has authenticated. */
export interface Answer {
  readonly reply: Element;
  readonly account?: AccountIdentity;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** SASL as XMPP frames it (RFC 6120 §6.4), for one stream. */
export class Authentication {
  readonly #sasl: Sasl;
  #exchange: SaslExchange | undefined;
  #failures = 0;

  constructor(sasl: Sasl) {
    this.#sasl = sasl;
  }

  /** How often the client has failed, or begun and not gone on. */
  get failures(): number {
    return this.#failures;
  }

  /** Takes an element in the namespace of SASL. Never rejects. */
  async take(element: Element, channel: Channel): Promise<Answer> {
    const step = await this.#step(element, channel);
    if (step.kind === 'challenge') return { reply: el('challenge', ns.sasl, {}, encode(step.data)) };
    this.#exchange = undefined;
    if (step.kind === 'success') return { reply: success(step.data), account: step.account };
    this.#failures++;
    return { reply: failure(step.condition, step.text) };
  }

  #step(element: Element, channel: Channel): SaslStep | Promise<SaslStep> {
    const text = element.text();
    switch (element.name) {
      case 'auth':
        return this.#begin(element.attr('mechanism') ?? '', text, channel);
      case 'response':
        return this.#continue(text);
      case 'abort':
        return { kind: 'failure', condition: 'aborted' };
      default:
        return failed('malformed-request');
    }
  }

  /** An exchange that was under way is given up by beginning another. */
  #begin(mechanism: string, text: string, channel: Channel): SaslStep | Promise<SaslStep> {
    if (this.#exchange !== undefined) this.#failures++;
    this.#exchange = this.#sasl.begin(mechanism, channel);
    if (this.#exchange === undefined) return failed('invalid-mechanism');
    if (text === '') return this.#exchange.next(undefined);
    return this.#continue(text);
  }

  #continue(text: string): SaslStep | Promise<SaslStep> {
    if (this.#exchange === undefined) return failed('malformed-request');
    const data = decode(text);
    return data === undefined ? failed('incorrect-encoding') : this.#exchange.next(data);
  }
}

/** The reply to what cannot be taken (RFC 6120 §6.4.5, §6.5). */
export function failure(condition: SaslCondition, text?: string): Element {
  const children = text === undefined ? [] : [el('text', ns.sasl, { 'xml:lang': 'en' }, text)];
  return el('failure', ns.sasl, {}, el(condition, ns.sasl), ...children);
}

const failed = (condition: SaslCondition): SaslStep => ({ kind: 'failure', condition });

function success(data: Uint8Array | undefined): Element {
  return data === undefined ? el('success', ns.sasl) : el('success', ns.sasl, {}, encode(data));
}

/** Data of no bytes is an equals sign, to be told from no data (RFC 6120 §6.4.2). */
function encode(data: Uint8Array): string {
  return data.length === 0 ? '=' : Buffer.from(data).toString('base64');
}

function decode(text: string): Uint8Array | undefined {
  if (text === '=') return Buffer.alloc(0);
  return base64.test(text) ? Buffer.from(text, 'base64') : undefined;
}
