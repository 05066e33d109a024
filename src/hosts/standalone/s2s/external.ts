import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Conditions of RFC 6120 §6.5 that a server may be told. */
export type ExternalCondition =
  | 'aborted'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'not-authorized';

export type ExternalStep =
  | { readonly kind: 'success' }
  | { readonly kind: 'challenge' }
  | { readonly kind: 'failure'; readonly condition: ExternalCondition };

/** The side of the server that was connected to in SASL EXTERNAL (XEP-0178 §3), for one stream. */
export class ExternalExchange {
  #isChallenged = false;

  /**
   * Takes an element in the namespace of SASL. `domain` is the one that the certificate proves, undefined if it proves none
   * that was named in the header.
   */
  take(element: Element, domain: string | undefined): ExternalStep {
    switch (element.name) {
      case 'auth':
        return this.#begin(element, domain);
      case 'response': {
        const wasChallenged = this.#isChallenged;
        this.#isChallenged = false;
        return wasChallenged ? judge(element.text(), domain) : failure('malformed-request');
      }
      case 'abort':
        this.#isChallenged = false;
        return failure('aborted');
      default:
        return failure('malformed-request');
    }
  }

  /** Without an initial response there is an empty challenge (RFC 4422 appendix A). */
  #begin(element: Element, domain: string | undefined): ExternalStep {
    this.#isChallenged = false;
    if (element.attr('mechanism') !== 'EXTERNAL') return failure('invalid-mechanism');
    const text = element.text();
    if (text !== '') return judge(text, domain);
    this.#isChallenged = true;
    return { kind: 'challenge' };
  }
}

/** Whom it wants to be: nobody in particular, or the domain of the header. */
function judge(text: string, domain: string | undefined): ExternalStep {
  const encoded = text === '=' ? '' : text;
  if (!base64.test(encoded)) return failure('incorrect-encoding');
  if (domain === undefined) return failure('not-authorized');
  const wanted = Buffer.from(encoded, 'base64').toString();
  if (wanted !== '' && Jid.tryParse(wanted)?.toString() !== domain) return failure('invalid-authzid');
  return { kind: 'success' };
}

const failure = (condition: ExternalCondition): ExternalStep => ({ kind: 'failure', condition });

/** What is written for a step. */
export function externalReply(step: ExternalStep): Element {
  if (step.kind !== 'failure') return el(step.kind, ns.sasl);
  return el('failure', ns.sasl, {}, el(step.condition, ns.sasl));
}

/** The request of the side that connects, with its name for those who want to read it (XEP-0178 §3). */
export function externalRequest(local: string): Element {
  return el('auth', ns.sasl, { mechanism: 'EXTERNAL' }, Buffer.from(local).toString('base64'));
}
