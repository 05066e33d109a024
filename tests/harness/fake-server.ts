import { randomBytes } from 'node:crypto';
import type { Advertisement, IqHandler, IqRequest, IqRoute } from '../../src/hosts/host.js';
import type { Account, Accounts } from '../../src/hosts/standalone/account.js';
import { Delays } from '../../src/hosts/standalone/delays.js';
import { createHooks } from '../../src/hosts/standalone/hooks.js';
import type { AccountIqHandler, Audience, Server } from '../../src/hosts/standalone/module.js';
import type { PresenceRules } from '../../src/hosts/standalone/presence/presence-rules.js';
import { Session, type SessionLink } from '../../src/hosts/standalone/session.js';
import type { StandaloneSettings } from '../../src/hosts/standalone/settings.js';
import type { ScramKeys } from '../../src/hosts/standalone/store.js';
import type { DiscoInfo } from '../../src/xmpp/disco.js';
import type { Element } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { errorReply } from '../../src/xmpp/stanza.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import type { StreamError } from '../../src/xmpp/stream-error.js';
import { FakeClock } from './fake-clock.js';
import { memoryServerStores } from './memory-server-stores.js';
import { recordingEvents } from './recording-events.js';
import { testSettings } from './settings.js';

/** A link that keeps what is sent to the client. */
export class RecordingLink implements SessionLink {
  readonly transport = 'starttls';
  readonly lang = undefined;
  /** A client that takes nothing more. */
  isFull = false;
  readonly sent: Element[] = [];
  /** Set when the server ended it; `error` is why. */
  ended: { readonly error: StreamError | undefined } | undefined;

  send(stanza: Element): boolean {
    if (this.isFull || this.ended !== undefined) return false;
    this.sent.push(stanza);
    return true;
  }

  /** Elements that are no stanzas are kept among them. */
  write(element: Element): void {
    if (this.ended === undefined) this.sent.push(element);
  }

  written(): Promise<boolean> {
    return Promise.resolve(this.ended === undefined);
  }

  end(error?: StreamError): void {
    this.ended = { error };
  }

  /** What was sent since it was asked last. */
  take(): Element[] {
    return this.sent.splice(0);
  }
}

/** A bound session together with its link. */
export interface FakeClient {
  readonly session: Session;
  readonly link: RecordingLink;
}

interface MutableAccount extends Account {
  readonly sessions: Map<string, Session>;
}

/** Work on accounts, one after another for each: as the real server, but nothing is ever forgotten or refused. */
class FakeAccounts implements Accounts {
  readonly inMemory = new Map<string, MutableAccount>();
  /** Accounts that exist but are not in memory until somebody works on them. */
  readonly stored = new Map<string, () => Promise<MutableAccount>>();
  readonly #busy = new Map<string, Promise<unknown>>();
  /** Every account that had to be read from the store, in order. */
  readonly loads: string[] = [];

  loaded(bareJid: string): Account | undefined {
    return this.inMemory.get(bareJid);
  }

  with<T>(bareJid: Jid, work: (account: Account | undefined) => T | Promise<T>): T | Promise<T> {
    const key = bareJid.toString();
    const before = this.#busy.get(key);
    if (before === undefined && (this.inMemory.has(key) || !this.stored.has(key))) {
      const done = work(this.inMemory.get(key));
      return done instanceof Promise ? this.#hold(key, done) : done;
    }
    return this.#hold(
      key,
      (before ?? Promise.resolve()).then(async () => work(await this.#load(key))),
    );
  }

  async #load(key: string): Promise<Account | undefined> {
    const stored = this.stored.get(key);
    if (!this.inMemory.has(key) && stored !== undefined) {
      this.loads.push(key);
      this.inMemory.set(key, await stored());
    }
    return this.inMemory.get(key);
  }

  #hold<T>(key: string, work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.#busy.set(key, settled);
    void settled.then(() => this.#busy.get(key) === settled && this.#busy.delete(key));
    return work;
  }
}

const keys: ScramKeys = {
  salt: new Uint8Array(16),
  iterations: 4096,
  storedKey: new Uint8Array(32),
  serverKey: new Uint8Array(32),
};

const routeKey = ({ type, ns, name }: IqRoute) => `${type} {${ns}}${name}`;

/**
 * The embedded server without connections: accounts and stores in memory, links that record. It routes what modules
 * send as far as they can tell the difference, and keeps all of it.
 */
export class FakeServer implements Server {
  readonly domain: Jid;
  readonly settings: StandaloneSettings;
  readonly delays: Delays;
  readonly handedOut = new WeakSet<Element>();
  /** Stream features that modules offer. */
  readonly offered: Element[] = [];
  readonly stores = memoryServerStores();
  readonly accounts = new FakeAccounts();
  readonly hooks = createHooks();
  readonly #recording = recordingEvents();
  readonly events = this.#recording.events;
  readonly recorded = this.#recording.recorded;
  readonly clock = new FakeClock();
  readonly now = () => Date.UTC(2026, 0, 1) + this.clock.now();
  readonly randomBytes = (size: number) => new Uint8Array(randomBytes(size));
  readonly advertised: Advertisement[] = [];
  readonly advertisedForAccounts: Advertisement[] = [];
  /** All that was given to `route`, in order. */
  readonly routed: Element[] = [];
  /** Takes presence for bare JIDs once it is set. */
  presence: PresenceRules | undefined;
  readonly #nonzas = new Map<string, (session: Session, element: Element) => void | Promise<void>>();
  readonly #domainHandlers = new Map<string, IqHandler>();
  readonly #accountHandlers = new Map<string, { audience: Audience; handler: AccountIqHandler }>();

  constructor(domain = 'example.org', settings: Partial<StandaloneSettings> = {}) {
    this.domain = Jid.parse(domain);
    this.settings = { ...testSettings, ...settings };
    this.delays = new Delays(this.domain);
  }

  advertise(advertisement: Advertisement): void {
    this.advertised.push(advertisement);
  }

  advertiseAccount(advertisement: Advertisement): void {
    this.advertisedForAccounts.push(advertisement);
  }

  accountInfo(): DiscoInfo {
    return {
      identities: this.advertisedForAccounts.flatMap((one) => one.identities ?? []),
      features: this.advertisedForAccounts.flatMap((one) => one.features ?? []),
      forms: this.advertisedForAccounts.flatMap((one) => one.forms ?? []),
    };
  }

  onDomainIq(route: IqRoute, handler: IqHandler): void {
    register(this.#domainHandlers, routeKey(route), handler);
  }

  onAccountIq(route: IqRoute, audience: Audience, handler: AccountIqHandler): void {
    register(this.#accountHandlers, routeKey(route), { audience, handler });
  }

  onNonza(namespace: string, handler: (session: Session, element: Element) => void | Promise<void>): void {
    register(this.#nonzas, namespace, handler);
  }

  offer(feature: Element): void {
    this.offered.push(feature);
  }

  /** Sends an element that is no stanza, in the name of a session. */
  async sendNonza({ session }: FakeClient, element: Element): Promise<void> {
    await this.#nonzas.get(element.ns)?.(session, element);
  }

  isHibernating(): boolean {
    return false;
  }

  endExtension(): boolean {
    return false;
  }

  takeSilentForLate(): void {}

  extendHibernation(): boolean {
    return false;
  }

  attach(): undefined {
    return undefined;
  }

  isLocal(domain: string): boolean {
    return domain === this.domain.domain;
  }

  /** Makes an account; one that is not `loaded` is read from the store when somebody works on it. */
  async addAccount(bareJid: string, loaded = true): Promise<Account> {
    await this.stores.accounts.create(bareJid, { sha1: keys, sha256: keys });
    const account = await this.#read(bareJid);
    if (loaded) this.accounts.inMemory.set(bareJid, account);
    this.accounts.stored.set(bareJid, () => this.#read(bareJid));
    return account;
  }

  async #read(bareJid: string): Promise<MutableAccount> {
    const row = await this.stores.accounts.find(bareJid);
    if (row === undefined) throw new Error(`there is no account ${bareJid}`);
    const contacts = await this.stores.rosters.load(row.id);
    return {
      id: row.id,
      jid: Jid.parse(bareJid),
      sessions: new Map(),
      contacts: new Map(contacts.map((contact) => [contact.jid, contact])),
      blocked: new Set(await this.stores.blocks.load(row.id)),
      archivePreferences: await this.stores.archive.loadPreferences(row.id),
    };
  }

  /** Forgets what is in memory of an account without sessions, as a restart does. */
  forget(bareJid: string): void {
    this.accounts.inMemory.delete(bareJid);
  }

  /** Binds a session to an account, which is loaded for it, and runs the hook. */
  async connect(fullJid: string): Promise<FakeClient> {
    const jid = Jid.parse(fullJid);
    const link = new RecordingLink();
    const session = await this.accounts.with(jid.bare(), (found) => {
      const account = this.accounts.inMemory.get(jid.bare().toString());
      if (found === undefined || account === undefined) throw new Error(`there is no account ${jid.bare()}`);
      const bound = new Session(account, jid, link);
      account.sessions.set(jid.resource, bound);
      return bound;
    });
    await this.hooks.sessionBound.run(session);
    return { session, link };
  }

  /** Ends a session as a lost connection does. */
  async disconnect({ session }: FakeClient): Promise<void> {
    this.accounts.inMemory.get(session.account.jid.toString())?.sessions.delete(session.jid.resource);
    await this.presence?.gone(session);
    await this.hooks.sessionEnded.run(session);
  }

  /** Asks an account (default: its own) in the name of a session or a stranger; rejects with what the handler threw. */
  async askAccount(
    from: FakeClient | string,
    type: 'get' | 'set',
    payload: Element,
    to?: string,
  ): Promise<Element | undefined> {
    const session = typeof from === 'string' ? undefined : from.session;
    const sender = typeof from === 'string' ? Jid.parse(from) : from.session.jid;
    const target = to === undefined ? sender.bare() : Jid.parse(to);
    const entry = this.#accountHandlers.get(routeKey({ type, ns: payload.ns, name: payload.name }));
    if (entry === undefined) throw new Error(`nobody handles ${type} ${payload.name} in ${payload.ns}`);
    const account = await this.accounts.with(target, (found) => found);
    if (account === undefined) throw new Error(`there is no account ${target}`);
    const own = session?.account === account ? session : undefined;
    return entry.handler({ type, id: 'q1', from: sender, to: target, payload, account, session: own });
  }

  /** Who may ask an account on that route. */
  audienceOf(route: IqRoute): Audience | undefined {
    return this.#accountHandlers.get(routeKey(route))?.audience;
  }

  /** Asks the domain; rejects with what the handler threw. */
  async askDomain(from: string, type: 'get' | 'set', payload: Element): Promise<Element | undefined> {
    const handler = this.#domainHandlers.get(routeKey({ type, ns: payload.ns, name: payload.name }));
    if (handler === undefined) throw new Error(`nobody handles ${type} ${payload.name} in ${payload.ns}`);
    const request: IqRequest = { type, id: 'q1', from: Jid.parse(from), to: this.domain, payload };
    return handler(request);
  }

  /** Delivers to sessions and, presence for bare JIDs, to the rules. What is for elsewhere is only kept. */
  async route(stanza: Element): Promise<void> {
    this.routed.push(stanza);
    const to = Jid.parse(stanza.attr('to') ?? '');
    if (to.domain !== this.domain.domain || to.local === '') return;
    const from = Jid.parse(stanza.attr('from') ?? '');
    try {
      await this.accounts.with(to.bare(), (account) => this.#deliver(account, stanza, from, to));
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
      const reply = errorReply(stanza, error);
      if (reply !== undefined) await this.route(reply);
    }
  }

  #deliver(account: Account | undefined, stanza: Element, from: Jid, to: Jid): void | Promise<void> {
    const verdict = account && this.hooks.incoming.ask(account, stanza, from);
    if (verdict === 'drop') return;
    if (verdict !== undefined) throw verdict;
    if (to.isFull) account?.sessions.get(to.resource)?.send(stanza);
    else if (stanza.name === 'presence') return this.presence?.inbound(account, stanza, from, to);
    else for (const session of account?.sessions.values() ?? []) session.send(stanza);
  }
}

function register<V>(map: Map<string, V>, key: string, value: V): void {
  if (map.has(key)) throw new Error(`two handlers for ${key}`);
  map.set(key, value);
}
