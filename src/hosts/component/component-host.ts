import { randomBytes } from 'node:crypto';
import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import { type Element, el } from '../../xmpp/element.js';
import { type IqAnswer, IqTracker } from '../../xmpp/iq-tracker.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { iqRequest } from '../../xmpp/stanza.js';
import { Incoming } from '../entity/incoming.js';
import { IqDispatch } from '../entity/iq-dispatch.js';
import { ownServices, SelfDescription, type Software } from '../entity/own-services.js';
import type {
  Advertisement,
  DirectedPresence,
  Host,
  IqHandler,
  IqRoute,
  OutgoingIq,
  SendIqOptions,
} from '../host.js';
import { systemClock } from '../system-clock.js';
import { BackOff } from './back-off.js';
import { Connection, type ConnectionLimits, defaultConnectionLimits } from './connection.js';
import { type Destination, type HostFailure, type Phase, silentFailure } from './failure.js';
import { KeepAlive } from './keep-alive.js';

/** Bounds of a component; times in milliseconds. */
interface ComponentLimits extends ConnectionLimits {
  /** Requests of ours that may be open at once. */
  readonly openRequests: number;
  /** Requests of others that may be at work at once. */
  readonly handlersUnderWay: number;
  /** Silence before a ping to ourselves through the server. */
  readonly idle: number;
  /** Silence after that ping before the connection counts as dead. */
  readonly grace: number;
  /** Upper end of the first and of the longest delay before a new attempt. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** How long a connection must have lasted for the delays to begin again with the first. */
  readonly stableAfter: number;
}

const defaultLimits: ComponentLimits = {
  ...defaultConnectionLimits,
  openRequests: 10_000,
  handlersUnderWay: 1_000,
  idle: 30_000,
  grace: 20_000,
  firstDelay: 1_000,
  longestDelay: 60_000,
  stableAfter: 30_000,
};

export interface ComponentHostOptions extends Destination {
  readonly secret: string;
  /** Short, and another one in each process that shares the domain; letters and digits. */
  readonly processId: string;
  readonly software: Software;
  readonly events: Pick<
    Events,
    | 'hostConnected'
    | 'hostDisconnected'
    | 'iqAnswerIgnored'
    | 'stanzaDropped'
    | 'stanzaMisrouted'
    | 'handlerFailed'
  >;
  readonly limits?: Partial<ComponentLimits>;
  readonly clock?: Clock;
  readonly randomBytes?: (size: number) => Uint8Array;
  /** A number from 0 up to 1, evenly distributed: spreads reconnections. */
  readonly jitter?: () => number;
}

/** `waiting`: the last attempt failed, and the next one comes by itself. */
type ComponentState = 'idle' | Phase | 'waiting' | 'stopped';

interface ComponentStatus {
  readonly state: ComponentState;
  /** Why the component is not connected, if it was or tried to be. */
  readonly lastFailure: HostFailure | undefined;
}

/** A host that is an external component (XEP-0114) of an XMPP server. */
export interface ComponentHost extends Host {
  readonly status: ComponentStatus;
  /** Connects, and from then on reconnects for ever until `stop`. May be called once. */
  start(): void;
  /** Ends open requests as `disconnected`, closes stream and socket; resolves within a bound. For good. */
  stop(): Promise<void>;
}

export function createComponentHost(options: ComponentHostOptions): ComponentHost {
  return new ReconnectingComponent(options);
}

class ReconnectingComponent implements ComponentHost {
  readonly domain: Jid;
  readonly #domainText: string;
  readonly #options: ComponentHostOptions;
  readonly #limits: ComponentLimits;
  readonly #clock: Clock;
  readonly #tracker: IqTracker;
  readonly #dispatch: IqDispatch;
  readonly #incoming: Incoming;
  readonly #self: SelfDescription;
  readonly #keepAlive: KeepAlive;
  readonly #backOff: BackOff;
  #connection: Connection | undefined;
  #state: 'idle' | 'trying' | 'waiting' | 'stopped' = 'idle';
  #lastFailure: HostFailure | undefined;
  #connectedAt: number | undefined;
  #cancelWait: (() => void) | undefined;

  constructor(options: ComponentHostOptions) {
    this.#options = options;
    this.domain = options.jid;
    this.#domainText = options.jid.toString();
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#tracker = this.#createTracker();
    const send = (stanza: Element) => void this.#connection?.send(stanza);
    this.#dispatch = new IqDispatch({
      events: options.events,
      maxUnderWay: this.#limits.handlersUnderWay,
      send,
    });
    this.#incoming = new Incoming({
      domain: this.domain,
      tracker: this.#tracker,
      dispatch: this.#dispatch,
      events: options.events,
      send,
    });
    this.#self = new SelfDescription(options.software);
    for (const [route, handler] of ownServices(this.#self, options.software)) this.onIq(route, handler);
    this.#keepAlive = this.#createKeepAlive();
    this.#backOff = new BackOff({
      first: this.#limits.firstDelay,
      longest: this.#limits.longestDelay,
      jitter: options.jitter ?? Math.random,
    });
  }

  get isConnected(): boolean {
    return this.#connection?.phase === 'connected';
  }

  get status(): ComponentStatus {
    return { state: this.#currentState(), lastFailure: this.#lastFailure };
  }

  start(): void {
    if (this.#state !== 'idle') throw new Error('this component has been started before');
    this.#connect();
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#cancelWait?.();
    this.#keepAlive.stop();
    this.#tracker.disconnect();
    await this.#connection?.close();
  }

  onIq(route: IqRoute, handler: IqHandler): void {
    this.#dispatch.on(route, handler);
  }

  onPresence(handler: (presence: DirectedPresence) => void): void {
    this.#incoming.onPresence(handler);
  }

  advertise(advertisement: Advertisement): void {
    this.#self.add(advertisement);
  }

  sendIq({ type, to, payload }: OutgoingIq, options: SendIqOptions): Promise<IqAnswer> {
    return this.#tracker.ask(to, options, (id) => {
      const connection = this.#connection;
      if (connection?.phase !== 'connected') return 'disconnected';
      const attrs = { from: this.#domainText, to: to.toString(), id };
      return connection.send(iqRequest(type, attrs, payload)) ? 'sent' : 'overflow';
    });
  }

  send(stanza: Element): boolean {
    return this.#connection?.send(this.#addressed(stanza)) ?? false;
  }

  /** Servers end the stream of a component that sends without `to` or from another domain (XEP-0114 §3). */
  #addressed(stanza: Element): Element {
    if ((stanza.attr('to') ?? '') === '') throw new Error('a stanza to send has no to');
    const from = stanza.attr('from');
    if (from === undefined) return stanza.withAttrs({ from: this.#domainText });
    if (Jid.tryParse(from)?.domain !== this.domain.domain)
      throw new Error('a stanza to send is from elsewhere');
    return stanza;
  }

  #currentState(): ComponentState {
    const phase = this.#connection?.phase;
    if (this.#state !== 'trying') return this.#state;
    return phase === undefined || phase === 'closed' ? 'waiting' : phase;
  }

  #createTracker(): IqTracker {
    return new IqTracker({
      processId: this.#options.processId,
      clock: this.#clock,
      randomBytes: this.#options.randomBytes ?? randomBytes,
      maxOpen: this.#limits.openRequests,
      onIgnored: (stanza, reason) => {
        const from = Jid.tryParse(stanza.attr('from'))?.bare().toString() ?? '';
        this.#options.events.iqAnswerIgnored({ domain: this.#domainText, from, reason });
      },
    });
  }

  #createKeepAlive(): KeepAlive {
    const { idle, grace } = this.#limits;
    return new KeepAlive({
      clock: this.#clock,
      idle,
      grace,
      // To ourselves: it goes through the server and back, which proves more than an answer of the server would.
      ping: () =>
        void this.sendIq({ type: 'get', to: this.domain, payload: el('ping', ns.ping) }, { timeout: grace }),
      onDead: () => this.#connection?.abort(silentFailure(this.#options)),
    });
  }

  #connect(): void {
    this.#state = 'trying';
    this.#connection = new Connection(
      { ...this.#options, limits: this.#limits, clock: this.#clock },
      {
        onConnected: () => this.#connected(),
        onStanza: (stanza) => this.#incoming.take(stanza),
        onDropped: (error, start) => this.#incoming.refuse(error, start),
        onBytes: () => this.#keepAlive.heard(),
        onClosed: (failure) => this.#disconnected(failure),
      },
    );
  }

  #connected(): void {
    this.#connectedAt = this.#clock.now();
    this.#lastFailure = undefined;
    this.#keepAlive.start();
    this.#options.events.hostConnected({ domain: this.#domainText });
  }

  #disconnected(failure: HostFailure | undefined): void {
    this.#keepAlive.stop();
    this.#tracker.disconnect();
    if (failure === undefined) return;
    this.#report(failure);
    if (this.#wasStable()) this.#backOff.reset();
    this.#connectedAt = undefined;
    this.#state = 'waiting';
    this.#cancelWait = this.#clock.after(this.#backOff.next(), () => this.#connect());
  }

  #wasStable(): boolean {
    const since = this.#connectedAt;
    return since !== undefined && this.#clock.now() - since >= this.#limits.stableAfter;
  }

  /** Once per change: the log of a night without a server is one line. */
  #report(failure: HostFailure): void {
    const isNews = failure.reason !== this.#lastFailure?.reason;
    this.#lastFailure = failure;
    if (!isNews) return;
    const { reason, remedy } = failure;
    this.#options.events.hostDisconnected({
      domain: this.#domainText,
      reason,
      ...(remedy !== undefined && { remedy }),
    });
  }
}
