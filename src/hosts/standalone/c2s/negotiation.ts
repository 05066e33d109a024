import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { errorReply, iqResult } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { AccountIdentity } from '../account.js';
import type { Channel, Sasl } from '../sasl/sasl.js';
import type { Entrance, Session, SessionLink } from '../session.js';
import { failed } from '../stream-management/protocol.js';
import { Authentication, failure } from './authentication.js';
import { authenticationFeatures, sessionFeatures } from './features.js';
import type { Transport } from './transport.js';

/** What a negotiation is to come to. */
export interface NegotiationRules {
  readonly entrance: Entrance;
  readonly sasl: Sasl;
  readonly requireEncryption: boolean;
  readonly authenticationTries: number;
  /** Stream features of others, offered before authentication at the moment. */
  readonly openFeatures: () => readonly Element[];
  /**
   * Answers an IQ request of a client that has not authenticated (XEP-0077), with the whole reply; undefined if it is
   * none that may be asked then.
   */
  readonly beforeAuthentication?:
    | ((iq: Element, channel: Channel) => Element | undefined | Promise<Element | undefined>)
    | undefined;
}

/** The stream that is negotiated, as far as its negotiation acts on it. */
export interface NegotiatedStream extends SessionLink {
  /** False when the stream has ended meanwhile. */
  readonly isOpen: boolean;
  write(element: Element): void;
  /** Writes an element in clear and begins TLS, with a new stream in it. */
  startTls(proceed: Element): void;
  /** The client has authenticated: what it sends next is a new stream. */
  restart(): void;
  /** The client will take a while, because a human fills in a form. */
  waitForForm(): void;
  /** The negotiation is over; `reply` tells the client so, unless it knows already. */
  bound(session: Session, reply?: Element): void | Promise<void>;
}

/**
 * What happens on a stream before stanzas may flow (RFC 6120 §4.3): TLS, authentication, and resource binding or
 * resumption, in this order and each at most once. Which of them is next is said by the features that follow each
 * header, and decides what is taken.
 */
export class Negotiation {
  readonly #rules: NegotiationRules;
  readonly #transport: Transport;
  readonly #stream: NegotiatedStream;
  readonly #authentication: Authentication;
  #account: AccountIdentity | undefined;

  constructor(rules: NegotiationRules, transport: Transport, stream: NegotiatedStream) {
    this.#rules = rules;
    this.#transport = transport;
    this.#stream = stream;
    this.#authentication = new Authentication(rules.sasl);
  }

  get account(): AccountIdentity | undefined {
    return this.#account;
  }

  /** What is offered after a stream header. */
  features(): Element {
    if (this.#account !== undefined) return sessionFeatures(this.#rules.entrance.features);
    const startTls = this.#transport.canStartTls ? (this.#mustEncrypt ? 'required' : 'optional') : 'no';
    if (this.#mustEncrypt)
      return authenticationFeatures({ startTls, mechanisms: [], bindings: [], more: [] });
    const { channel } = this.#transport;
    return authenticationFeatures({
      startTls,
      mechanisms: this.#rules.sasl.mechanisms(channel),
      bindings: [...channel.bindings.keys()],
      more: this.#rules.openFeatures(),
    });
  }

  /**
   * Takes an element that follows the stream header.
   * @throws {StreamError} (also as rejection) that ends the stream
   */
  take(element: Element): void | Promise<void> {
    if (element.is('starttls', ns.tls)) return this.#startTls();
    if (element.ns === ns.streamManagement) return this.#manage(element);
    if (this.#account === undefined) return this.#takeFromStranger(element);
    if (element.is('iq', ns.client) && element.child('bind', ns.bind) !== undefined)
      return this.#bind(element, this.#account);
    throw notTaken(element);
  }

  /** Management begins on a bound resource; only a session that there was before is taken up now (XEP-0198 §3, §5). */
  #manage(element: Element): void | Promise<void> {
    if (this.#account !== undefined && element.name === 'resume') return this.#resume(element, this.#account);
    this.#stream.write(failed('unexpected-request'));
  }

  async #resume(element: Element, account: AccountIdentity): Promise<void> {
    const session = await this.#rules.entrance.resume(account, element, this.#stream);
    if (session !== undefined) await this.#stream.bound(session);
  }

  get #mustEncrypt(): boolean {
    return this.#rules.requireEncryption && !this.#transport.isEncrypted;
  }

  /** RFC 6120 §5.4.2: a failure is followed by the end of the stream. */
  #startTls(): void {
    if (this.#transport.canStartTls && this.#account === undefined) {
      this.#stream.startTls(el('proceed', ns.tls));
    } else {
      this.#stream.write(el('failure', ns.tls));
      this.#stream.end();
    }
  }

  #takeFromStranger(element: Element): void | Promise<void> {
    if (element.ns === ns.sasl)
      return this.#mustEncrypt ? this.#refuseInClear() : this.#authenticate(element);
    const { beforeAuthentication } = this.#rules;
    if (beforeAuthentication === undefined || this.#mustEncrypt || !element.is('iq', ns.client))
      throw notTaken(element);
    return this.#answerStranger(element, beforeAuthentication);
  }

  #refuseInClear(): void {
    this.#stream.write(failure('encryption-required'));
    throw new StreamError('policy-violation', 'Use TLS before you authenticate.');
  }

  async #authenticate(element: Element): Promise<void> {
    const { reply, account } = await this.#authentication.take(element, this.#transport.channel);
    if (!this.#stream.isOpen) return;
    this.#stream.write(reply);
    if (account !== undefined) {
      this.#account = account;
      this.#stream.restart();
    } else if (this.#authentication.failures >= this.#rules.authenticationTries) {
      throw new StreamError('policy-violation', 'Authentication failed too often.');
    }
  }

  async #answerStranger(
    iq: Element,
    answer: NonNullable<NegotiationRules['beforeAuthentication']>,
  ): Promise<void> {
    const reply = await answer(iq, this.#transport.channel);
    if (reply === undefined) throw notTaken(iq);
    if (!this.#stream.isOpen) return;
    this.#stream.write(reply);
    if (reply.attr('type') === 'result') this.#stream.waitForForm();
  }

  /** RFC 6120 §7.6, §7.7. A client whose wish was refused may ask again. */
  async #bind(iq: Element, account: AccountIdentity): Promise<void> {
    try {
      const session = await this.#rules.entrance.bind(account, wantedResource(iq), this.#stream);
      const jid = el('jid', ns.bind, {}, session.jid.toString());
      await this.#stream.bound(session, iqResult(iq, el('bind', ns.bind, {}, jid)));
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      const reply = errorReply(iq, error);
      if (reply !== undefined && this.#stream.isOpen) this.#stream.write(reply);
    }
  }
}

function wantedResource(iq: Element): string | undefined {
  if (iq.attr('type') !== 'set' || iq.attr('id') === undefined) throw new StanzaError('bad-request');
  const resource = iq.child('bind', ns.bind)?.child('resource')?.text();
  return resource === '' ? undefined : resource;
}

function notTaken(element: Element): StreamError {
  if (element.ns === ns.client)
    return new StreamError('not-authorized', 'Authenticate and bind a resource first.');
  return new StreamError('unsupported-stanza-type', 'This was not offered.');
}
