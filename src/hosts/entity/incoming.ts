import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { IqTracker } from '../../xmpp/iq-tracker.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { errorReply, presence } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { StreamError } from '../../xmpp/stream-error.js';
import type { DirectedPresence } from '../host.js';
import type { IqDispatch } from './iq-dispatch.js';
import type { MessageDispatch } from './message-dispatch.js';

export interface IncomingOptions {
  readonly domain: Jid;
  readonly tracker: IqTracker;
  readonly iqs: IqDispatch;
  readonly messages: MessageDispatch;
  readonly events: Pick<Events, 'handlerFailed' | 'stanzaDropped' | 'stanzaMisrouted'>;
  readonly send: (stanza: Element) => void;
}

/** A stanza with its addresses read. */
interface Addressed {
  readonly stanza: Element;
  readonly from: Jid;
  readonly to: Jid;
}

/**
 * Where a stanza from the server goes. Nobody lives here but the domain itself: other addresses are answered as those
 * of accounts that do not exist (RFC 6121 §8.5.1). What has no valid addresses or is malformed is dropped and reported.
 * So is what is for another domain of the same server: servers may take two components of one listener for one.
 */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #domainText: string;
  readonly #presenceHandlers: ((presence: DirectedPresence) => void)[] = [];

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#domainText = options.domain.toString();
  }

  onPresence(handler: (presence: DirectedPresence) => void): void {
    this.#presenceHandlers.push(handler);
  }

  /** Never throws: what goes wrong is reported and costs no more than this stanza. */
  take(stanza: Element): void {
    try {
      this.#route(stanza);
    } catch (error) {
      this.#options.events.handlerFailed({ what: `incoming ${stanza.name}`, error });
    }
  }

  /** Takes a stanza of which only the start tag could be read, or not even that. Never throws. */
  refuse(error: StreamError, start: Element | undefined): void {
    const { text } = error;
    const flaw = text === '' ? error.condition : text;
    if (start === undefined) this.#options.events.stanzaDropped({ domain: this.#domainText, reason: flaw });
    else this.#drop(flaw, start, new StanzaError('policy-violation', text));
  }

  #route(stanza: Element): void {
    if (stanza.ns !== ns.client) return;
    if (stanza.name === 'iq' && isAnswer(stanza)) {
      if (this.#isForDomain(stanza)) this.#options.tracker.answer(stanza);
      return;
    }
    const from = Jid.tryParse(stanza.attr('from'));
    const to = Jid.tryParse(stanza.attr('to'));
    if (from === undefined || to === undefined) {
      this.#drop('an address is missing or invalid', stanza, new StanzaError('jid-malformed'));
    } else if (to.domain !== this.#options.domain.domain) {
      this.#options.events.stanzaMisrouted({ domain: this.#domainText, to: to.domain });
    } else this.#deliver({ stanza, from, to });
  }

  /** Reports a stanza that nobody will see, and answers it if it is a request with a sender. */
  #drop(reason: string, stanza: Element, error: StanzaError): void {
    const from = Jid.tryParse(stanza.attr('from'))?.bare().toString();
    this.#options.events.stanzaDropped({
      domain: this.#domainText,
      reason,
      ...(from !== undefined && { from }),
    });
    const isAddressed = (stanza.attr('from') ?? '') !== '' && this.#isForDomain(stanza);
    const reply = stanza.is('iq', ns.client) && isAddressed ? errorReply(stanza, error) : undefined;
    if (reply !== undefined) this.#options.send(reply);
  }

  #deliver(addressed: Addressed): void {
    const { stanza, from, to } = addressed;
    const { iqs, messages } = this.#options;
    if (stanza.name === 'iq') iqs.dispatch(stanza, from, to, to.isDomain);
    else if (stanza.name === 'message') messages.dispatch(stanza, from, to);
    else if (stanza.name === 'presence') this.#presence(addressed);
  }

  /** The text is compared first: answers are the hot path, and servers hand on prepared addresses. */
  #isForDomain(stanza: Element): boolean {
    const to = stanza.attr('to');
    return to === this.#domainText || Jid.tryParse(to)?.equals(this.#options.domain) === true;
  }

  #presence({ stanza, from, to }: Addressed): void {
    const type = stanza.attr('type');
    if (type === 'unavailable' && from.isFull) this.#options.tracker.failTo(from);
    if (type === undefined || type === 'unavailable') {
      this.#tellPresence({ from, available: type === undefined }, to);
    } else if (type === 'subscribe' || type === 'probe') this.#refusePresence(from.bare(), to.bare());
  }

  /**
   * Nobody here shares presence: a subscription is refused (RFC 6121 §3.1.4), and who probes is told that it has none
   * (§4.3.2).
   */
  #refusePresence(from: Jid, to: Jid): void {
    this.#options.send(presence({ type: 'unsubscribed', from: to.toString(), to: from.toString() }));
  }

  #tellPresence(heard: DirectedPresence, to: Jid): void {
    if (!to.isDomain) return;
    for (const handler of this.#presenceHandlers) {
      try {
        handler(heard);
      } catch (error) {
        this.#options.events.handlerFailed({ what: 'presence', error });
      }
    }
  }
}

function isAnswer(stanza: Element): boolean {
  const type = stanza.attr('type');
  return type === 'result' || type === 'error';
}
