import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { Identity } from '../../xmpp/disco.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { DomainEntity } from '../entity/entity.js';
import { joinAdvertised, type Software } from '../entity/own-services.js';
import type { Advertisement, Host } from '../host.js';
import { AccountCache } from './account-cache.js';
import { removeAccount } from './account-removal.js';
import { AddressCache } from './address-cache.js';
import { type Archiving, noArchive } from './archive/archiving.js';
import { Delays } from './delays.js';
import { Sessions } from './entrance.js';
import { createHooks } from './hooks.js';
import { IqRouting } from './iq-routing.js';
import { MessageDelivery } from './message-delivery.js';
import type { Server } from './module.js';
import type { PresenceRules } from './presence/presence-rules.js';
import { Router } from './router.js';
import type { Entrance, Session } from './session.js';
import type { StandaloneSettings } from './settings.js';
import type { StandaloneStores } from './store.js';

/** Bounds of the server's core. */
export interface CoreLimits {
  /** Accounts without sessions that stay in memory. */
  readonly idleAccounts: number;
  /** Work that may wait for one account; more is answered `resource-constraint`. */
  readonly waitingPerAccount: number;
  /** Addresses that are remembered as they were written. */
  readonly addresses: number;
  /** Requests of the server itself that may be open at once, for each of its domains. */
  readonly openRequests: number;
  /** Requests of others that may be at work at once, for each domain and for the accounts; more are refused. */
  readonly handlersUnderWay: number;
  /** Of these, the requests of one session. */
  readonly handlersPerAsker: number;
  /** Milliseconds that the end of all sessions may take, and before it the answers of handlers. */
  readonly stopWithin: number;
}

const defaultLimits: CoreLimits = {
  idleAccounts: 1_000,
  waitingPerAccount: 1_000,
  addresses: 10_000,
  openRequests: 10_000,
  handlersUnderWay: 10_000,
  handlersPerAsker: 100,
  stopWithin: 5_000,
};

export interface CoreOptions {
  readonly domain: Jid;
  /** Read whenever they matter, so that they may change. */
  readonly settings: StandaloneSettings;
  readonly stores: StandaloneStores;
  readonly events: Events;
  readonly clock: Clock;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Short, and another one in each process that shares the domain; letters and digits. */
  readonly processId: string;
  readonly software: Software;
  readonly limits?: Partial<CoreLimits>;
  /** Takes stanzas for other servers. Without it there are none: such stanzas go back, `remote-server-not-found`. */
  readonly routeRemote?: ((stanza: Element) => void | Promise<void>) | undefined;
}

/** The embedded server without its doors: accounts, sessions, and the way of stanzas between them. */
export interface Core {
  readonly server: Server;
  readonly entrance: Entrance;
  /** The host that is a domain at this server: its own, or a further one, which begins to exist with that. */
  entity(domain: Jid): Host;
  /**
   * Removes an account with all that it has; its sessions end with `not-authorized`. False if there is none.
   * @throws (as rejection) what a module threw that says farewell, or the store's error; then the account is still there
   */
  removeAccount(jid: Jid, by: 'operator' | 'user'): Promise<boolean>;
  /** Without rules, presence goes nowhere. Called once, before the first session. */
  setPresenceRules(rules: PresenceRules): void;
  /** Without an archive nothing is kept. Called once, before the first session. */
  setArchiving(archiving: Archiving): void;
  /**
   * Before the stop: domains of the server refuse requests, to be made again, and their handlers that are at work may answer,
   * within a bound.
   */
  drain(): Promise<void>;
  /** Ends all sessions with `system-shutdown` and open requests as `disconnected`, within a bound. For good. */
  stop(): Promise<void>;
}

type NonzaHandler = (session: Session, element: Element) => void | Promise<void>;

interface Taker {
  take(stanza: Element): void | Promise<void>;
}

const noPresence: PresenceRules = {
  broadcast: () => undefined,
  outbound: () => undefined,
  inbound: () => undefined,
  gone: () => undefined,
};

/** A server without presence rules and modules, which are to be added before the first session. */
export function createCore(options: CoreOptions): Core {
  return new EmbeddedCore(options);
}

class EmbeddedCore implements Core {
  readonly server: Server;
  readonly entrance: Sessions;
  readonly #options: CoreOptions;
  readonly #limits: CoreLimits;
  readonly #hooks = createHooks();
  readonly #accounts: AccountCache;
  readonly #iqs: IqRouting;
  readonly #router: Router;
  readonly #delays: Delays;
  readonly #handedOut = new WeakSet<Element>();
  /** The domains of this server, by name. */
  readonly #entities = new Map<string, DomainEntity>();
  /** Further domains, whose stanzas somebody else takes. */
  readonly #attached = new Map<string, Taker>();
  readonly #nonzas = new Map<string, NonzaHandler>();
  readonly #offered: Element[] = [];
  readonly #own: DomainEntity;
  #presence = noPresence;
  #archiving = noArchive;
  #isConnected = true;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#delays = new Delays(options.domain);
    const { idleAccounts: maxIdle, waitingPerAccount: maxWaiting } = this.#limits;
    this.#accounts = new AccountCache({ ...options, maxIdle, maxWaiting });
    this.#iqs = this.#createIqRouting();
    this.#router = this.#createRouter();
    this.entrance = this.#createEntrance();
    const { name } = options.software;
    this.#own = this.#createEntity(options.domain, { category: 'server', type: 'im', name });
    this.server = this.#createServer();
  }

  entity(domain: Jid): Host {
    if (!domain.isDomain) throw new Error(`${domain} is not a domain`);
    return this.#entities.get(domain.domain) ?? this.#addEntity(domain);
  }

  removeAccount(jid: Jid, by: 'operator' | 'user'): Promise<boolean> {
    const { stores, events } = this.#options;
    const parts = { accounts: this.#accounts, sessions: this.entrance, hooks: this.#hooks, events };
    return removeAccount({ ...parts, store: stores.accounts }, jid, by);
  }

  setPresenceRules(rules: PresenceRules): void {
    this.#presence = rules;
  }

  setArchiving(archiving: Archiving): void {
    this.#archiving = archiving;
  }

  async drain(): Promise<void> {
    const { stopWithin } = this.#limits;
    await Promise.all([...this.#entities.values()].map((entity) => entity.drain(stopWithin)));
  }

  async stop(): Promise<void> {
    this.#isConnected = false;
    for (const entity of this.#entities.values()) entity.disconnected();
    await this.entrance.stop();
  }

  #createIqRouting(): IqRouting {
    return new IqRouting({
      accounts: this.#accounts,
      hooks: this.#hooks,
      events: this.#options.events,
      maxUnderWay: this.#limits.handlersUnderWay,
      maxPerAsker: this.#limits.handlersPerAsker,
      send: (reply, from, to) => void this.#router.deliver(reply, from, to),
    });
  }

  #createRouter(): Router {
    const { domain, events, routeRemote } = this.#options;
    const accounts = this.#accounts;
    return new Router({
      domain,
      accounts,
      addresses: new AddressCache(this.#limits.addresses),
      hooks: this.#hooks,
      events,
      messages: new MessageDelivery({
        accounts,
        hooks: this.#hooks,
        events,
        archiving: () => this.#archiving,
        delays: this.#delays,
      }),
      iqs: this.#iqs,
      presence: () => this.#presence,
      entity: (name) => this.#entities.get(name) ?? this.#attached.get(name),
      routeRemote,
    });
  }

  #createEntrance(): Sessions {
    const { domain, settings, events, clock, now, randomBytes } = this.#options;
    return new Sessions({
      domain,
      settings,
      accounts: this.#accounts,
      router: this.#router,
      hooks: this.#hooks,
      events,
      presence: () => this.#presence,
      clock,
      now,
      delays: this.#delays,
      randomBytes,
      nonza: (namespace) => this.#nonzas.get(namespace),
      offered: this.#offered,
      stopWithin: this.#limits.stopWithin,
    });
  }

  #createEntity(domain: Jid, identity: Identity): DomainEntity {
    const isConnected = () => this.#isConnected;
    const entity = new DomainEntity({
      ...this.#options,
      domain,
      identity,
      limits: this.#limits,
      link: {
        get isConnected() {
          return isConnected();
        },
        send: (stanza) => this.#sendFromEntity(stanza),
      },
    });
    this.#entities.set(domain.domain, entity);
    return entity;
  }

  #sendFromEntity(stanza: Element): boolean {
    if (!this.#isConnected) return false;
    void this.#router.route(stanza);
    return true;
  }

  #addEntity(domain: Jid): DomainEntity {
    const { name } = this.#options.software;
    this.#own.advertise({ items: [{ jid: domain.toString(), name }] });
    return this.#createEntity(domain, { category: 'component', type: 'generic', name });
  }

  #attach(domain: Jid, take: Taker['take']): (() => void) | undefined {
    const name = domain.domain;
    if (!domain.isDomain || this.#isLocal(name)) return undefined;
    this.#attached.set(name, { take });
    return () => void this.#attached.delete(name);
  }

  #isLocal(domain: string): boolean {
    return this.#entities.has(domain) || this.#attached.has(domain);
  }

  #onNonza(namespace: string, handler: NonzaHandler): void {
    if (this.#nonzas.has(namespace)) throw new Error(`${namespace} has a handler already`);
    this.#nonzas.set(namespace, handler);
  }

  #createServer(): Server {
    const { domain, settings, stores, events, clock, now, randomBytes } = this.#options;
    const forAccounts: Advertisement[] = [];
    return {
      domain,
      settings,
      stores,
      events,
      clock,
      now,
      randomBytes,
      accounts: this.#accounts,
      hooks: this.#hooks,
      advertise: (advertisement) => this.#own.advertise(advertisement),
      advertiseAccount: (advertisement) => void forAccounts.push(advertisement),
      accountInfo: () => joinAdvertised(forAccounts),
      onDomainIq: (route, handler) => this.#own.onIq(route, handler),
      onAccountIq: (route, audience, handler) => this.#iqs.on(route, audience, handler),
      onNonza: (namespace, handler) => this.#onNonza(namespace, handler),
      offer: (feature) => void this.#offered.push(feature),
      delays: this.#delays,
      handedOut: this.#handedOut,
      isHibernating: (session) => this.entrance.isHibernating(session),
      extendHibernation: (session, seconds) => this.entrance.extendHibernation(session, seconds),
      endExtension: (session) => this.entrance.endExtension(session),
      takeSilentForLate: () => this.entrance.takeSilentForLate(),
      attach: (name, take) => this.#attach(name, take),
      isLocal: (name) => this.#isLocal(name),
      route: (stanza) => this.#router.route(stanza),
    };
  }
}
