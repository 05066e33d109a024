import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { Identity } from '../../xmpp/disco.js';
import type { Element } from '../../xmpp/element.js';
import { type IqAnswer, IqTracker } from '../../xmpp/iq-tracker.js';
import { Jid } from '../../xmpp/jid.js';
import { iqRequest } from '../../xmpp/stanza.js';
import type { StreamError } from '../../xmpp/stream-error.js';
import type {
  Advertisement,
  DirectedPresence,
  Host,
  IqHandler,
  IqRoute,
  MessageHandler,
  MessageRoute,
  OutgoingIq,
  SendIqOptions,
} from '../host.js';
import { Incoming } from './incoming.js';
import { IqDispatch } from './iq-dispatch.js';
import { MessageDispatch } from './message-dispatch.js';
import { ownServices, SelfDescription, type Software } from './own-services.js';
import { RequestRunner } from './request-runner.js';

/** What carries an entity's stanzas to the rest of the world. */
export interface EntityLink {
  /** True while stanzas can be sent. */
  readonly isConnected: boolean;
  /** False if the stanza was not taken: there is no connection, or its queue is full. */
  send(stanza: Element): boolean;
}

/** Bounds of an entity. */
export interface EntityLimits {
  /** Requests of ours that may be open at once. */
  readonly openRequests: number;
  /** Requests of others that may be at work at once, messages that have a handler among them. */
  readonly handlersUnderWay: number;
  /** Of these, the requests of one asker that is no server; as many as there may be in all if absent. */
  readonly handlersPerAsker?: number | undefined;
}

export interface DomainEntityOptions {
  readonly domain: Jid;
  /** What it is, in disco#info. */
  readonly identity: Identity;
  readonly software: Software;
  readonly link: EntityLink;
  /** Short, and another one in each process that shares the domain; letters and digits. */
  readonly processId: string;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Pick<Events, 'iqAnswerIgnored' | 'stanzaDropped' | 'stanzaMisrouted' | 'handlerFailed'>;
  readonly limits: EntityLimits;
}

/** An XMPP entity that is a domain: all of a host but its connection. Whoever has that gives it what arrives. */
export class DomainEntity implements Host {
  readonly domain: Jid;
  readonly #domainText: string;
  readonly #link: EntityLink;
  readonly #tracker: IqTracker;
  readonly #iqs: IqDispatch;
  readonly #messages: MessageDispatch;
  readonly #incoming: Incoming;
  readonly #self: SelfDescription;
  readonly #runner: RequestRunner;
  readonly #clock: Clock;

  constructor(options: DomainEntityOptions) {
    const { domain, link, events, limits, software, clock } = options;
    this.domain = domain;
    this.#domainText = domain.toString();
    this.#link = link;
    this.#clock = clock;
    this.#tracker = this.#createTracker(options);
    const send = (stanza: Element) => void link.send(stanza);
    const runner = new RequestRunner({
      events,
      maxUnderWay: limits.handlersUnderWay,
      maxPerAsker: limits.handlersPerAsker,
    });
    this.#runner = runner;
    const iqs = new IqDispatch({ runner, send });
    const messages = new MessageDispatch({ runner, send });
    this.#iqs = iqs;
    this.#messages = messages;
    this.#incoming = new Incoming({ domain, tracker: this.#tracker, iqs, messages, events, send });
    this.#self = new SelfDescription(options.identity);
    for (const [route, handler] of ownServices(this.#self, software)) this.onIq(route, handler);
  }

  get isConnected(): boolean {
    return this.#link.isConnected;
  }

  /** Takes a stanza that arrived. Never throws. */
  take(stanza: Element): void {
    this.#incoming.take(stanza);
  }

  /** Takes a stanza of which only the start tag could be read, or not even that. Never throws. */
  refuse(error: StreamError, start: Element | undefined): void {
    this.#incoming.refuse(error, start);
  }

  /** Ends open requests as `disconnected`: what was asked over a connection that is gone is not answered. */
  disconnected(): void {
    this.#tracker.disconnect();
  }

  /**
   * Before the end of the connection: requests are refused, to be made again, and open ones of ours end. Returns a promise if
   * handlers are at work: done when they have answered, or after so many milliseconds.
   */
  drain(within: number): void | Promise<void> {
    this.disconnected();
    const drained = this.#runner.drain();
    if (drained === undefined) return;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(within, resolve);
      void drained.then(() => {
        cancel();
        resolve();
      });
    });
  }

  onIq(route: IqRoute, handler: IqHandler): void {
    this.#iqs.on(route, handler);
  }

  onMessage(route: MessageRoute, handler: MessageHandler): void {
    this.#messages.on(route, handler);
  }

  onPresence(handler: (presence: DirectedPresence) => void): void {
    this.#incoming.onPresence(handler);
  }

  advertise(advertisement: Advertisement): void {
    this.#self.add(advertisement);
  }

  sendIq({ type, to, payload }: OutgoingIq, options: SendIqOptions): Promise<IqAnswer> {
    return this.#tracker.ask(to, options, (id) => {
      if (!this.#link.isConnected) return 'disconnected';
      const attrs = { from: this.#domainText, to: to.toString(), id };
      return this.#link.send(iqRequest(type, attrs, payload)) ? 'sent' : 'overflow';
    });
  }

  send(stanza: Element): boolean {
    return this.#link.send(this.#addressed(stanza));
  }

  /** Nobody speaks for others, and servers end the stream of a component that does (XEP-0114 §3). */
  #addressed(stanza: Element): Element {
    if ((stanza.attr('to') ?? '') === '') throw new Error('a stanza to send has no to');
    const from = stanza.attr('from');
    if (from === undefined) return stanza.withAttrs({ from: this.#domainText });
    if (Jid.tryParse(from)?.domain !== this.domain.domain)
      throw new Error('a stanza to send is from elsewhere');
    return stanza;
  }

  #createTracker({ processId, clock, randomBytes, limits, events }: DomainEntityOptions): IqTracker {
    return new IqTracker({
      processId,
      clock,
      randomBytes,
      maxOpen: limits.openRequests,
      onIgnored: (stanza, reason) => {
        const from = Jid.tryParse(stanza.attr('from'))?.bare().toString() ?? '';
        events.iqAnswerIgnored({ domain: this.#domainText, from, reason });
      },
    });
  }
}
