import { randomBytes } from 'node:crypto';
import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import { type Element, el } from '../../xmpp/element.js';
import type { IqAnswer } from '../../xmpp/iq-tracker.js';
import type { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { BackOff } from '../back-off.js';
import { DomainEntity, type EntityLimits } from '../entity/entity.js';
import type { Software } from '../entity/own-services.js';
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
import { systemClock } from '../system-clock.js';
import { Connection, type ConnectionLimits, defaultConnectionLimits } from './connection.js';
import { type Destination, type HostFailure, type Phase, silentFailure } from './failure.js';
import { KeepAlive } from './keep-alive.js';

/** Bounds of a component; times in milliseconds. */
interface ComponentLimits extends ConnectionLimits, EntityLimits {
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
  handlersUnderWay: 10_000,
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
  /**
   * Ends open requests as `disconnected`, lets handlers answer that are at work, closes stream and socket; resolves within a bound.
   * For good.
   */
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
  readonly #entity: DomainEntity;
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
    this.#entity = this.#createEntity();
    this.#keepAlive = this.#createKeepAlive();
    this.#backOff = new BackOff({
      first: this.#limits.firstDelay,
      longest: this.#limits.longestDelay,
      jitter: options.jitter ?? Math.random,
    });
  }

  get isConnected(): boolean {
    return this.#entity.isConnected;
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
    const drained = this.#entity.drain(this.#limits.closeTimeout);
    // Without a connection nobody hears the answers.
    if (drained !== undefined && this.isConnected) await drained;
    this.#entity.disconnected();
    await this.#connection?.close();
  }

  onIq(route: IqRoute, handler: IqHandler): void {
    this.#entity.onIq(route, handler);
  }

  onMessage(route: MessageRoute, handler: MessageHandler): void {
    this.#entity.onMessage(route, handler);
  }

  onPresence(handler: (presence: DirectedPresence) => void): void {
    this.#entity.onPresence(handler);
  }

  advertise(advertisement: Advertisement): void {
    this.#entity.advertise(advertisement);
  }

  sendIq(iq: OutgoingIq, options: SendIqOptions): Promise<IqAnswer> {
    return this.#entity.sendIq(iq, options);
  }

  send(stanza: Element): boolean {
    return this.#entity.send(stanza);
  }

  #currentState(): ComponentState {
    const phase = this.#connection?.phase;
    if (this.#state !== 'trying') return this.#state;
    return phase === undefined || phase === 'closed' ? 'waiting' : phase;
  }

  #createEntity(): DomainEntity {
    const { processId, software, events, randomBytes: random = randomBytes } = this.#options;
    const connection = () => this.#connection;
    return new DomainEntity({
      domain: this.domain,
      identity: { category: 'component', type: 'generic', name: software.name },
      software,
      link: {
        get isConnected() {
          return connection()?.phase === 'connected';
        },
        send: (stanza) => connection()?.send(stanza) ?? false,
      },
      processId,
      clock: this.#clock,
      randomBytes: random,
      events,
      limits: this.#limits,
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
        onStanza: (stanza) => this.#entity.take(stanza),
        onDropped: (error, start) => this.#entity.refuse(error, start),
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
    this.#entity.disconnected();
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
