import type {
  AccountEvent,
  AccountHost,
  AccountRequestHandler,
  AccountSession,
  Advertisement,
  IqRoute,
} from '../../src/hosts/host.js';
import type { Element } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { FakeHost } from './fake-host.js';

/** An event that the test makes happen. */
export class FakeEvent<Args extends readonly unknown[]> implements AccountEvent<Args> {
  /** What listeners threw or rejected with. */
  readonly failures: unknown[];
  readonly #listeners: ((...args: Args) => void | Promise<void>)[] = [];

  constructor(failures: unknown[]) {
    this.failures = failures;
  }

  on(listener: (...args: Args) => void | Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** Tells all listeners, at once; resolves when all are done. Never rejects. */
  async fire(...args: Args): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => this.#tell(listener, args)));
  }

  async #tell(listener: (...args: Args) => void | Promise<void>, args: Args): Promise<void> {
    try {
      await listener(...args);
    } catch (error) {
      this.failures.push(error);
    }
  }
}

/** A session of the script; the test changes it as it likes. */
export interface FakeSession extends AccountSession {
  presence: Element | undefined;
  isHibernating: boolean;
}

/** A host with accounts but without a network: the test plays the sessions and everybody else. */
export class FakeAccountHost extends FakeHost implements AccountHost {
  /** What listeners threw or rejected with. */
  readonly failures: unknown[] = [];
  readonly advertisedOfAccounts: Advertisement[] = [];
  /** Each call of `extendHibernation`, whatever it answered. */
  readonly extensions: { readonly session: AccountSession; readonly seconds: number }[] = [];
  /** The session of each call of `endExtension`, whatever it answered. */
  readonly endedExtensions: AccountSession[] = [];
  /** Bare JIDs of contacts, by account. */
  readonly contacts = new Map<string, Set<string>>();
  /** Own occupants (`room@service/nick`), by account. */
  readonly occupants = new Map<string, Set<string>>();
  /** What becomes of clients that are silent when nobody waits for them any more. */
  onSilentForLate: () => void = () => {};
  /** How many requests wait, by account. */
  readonly requestsFor = new Map<string, number>();
  /** What stanzas are copies of; the others are their own originals. */
  readonly originals = new WeakMap<Element, Element>();

  readonly received: FakeEvent<[account: Jid, message: Element]>;
  readonly offlineMessage: FakeEvent<[account: Jid, message: Element]>;
  readonly archived: FakeEvent<
    [
      account: Jid,
      message: { readonly id: string; readonly direction: 'incoming' | 'outgoing'; readonly stanza: Element },
    ]
  >;
  readonly roomMessage: FakeEvent<[to: Jid, message: Element]>;
  readonly subscriptionRequested: FakeEvent<[account: Jid, presence: Element]>;
  readonly ackDelayed: FakeEvent<[session: AccountSession, unacknowledged: readonly Element[]]>;
  readonly hibernationStart: FakeEvent<[session: AccountSession, unacknowledged: readonly Element[]]>;
  readonly hibernationQueued: FakeEvent<[session: AccountSession, stanza: Element]>;
  readonly hibernationEnd: FakeEvent<
    [session: AccountSession, how: 'resumed' | 'expired' | 'overflow' | 'ended']
  >;
  readonly sessionBegun: FakeEvent<[session: AccountSession]>;
  readonly accountRemoved: FakeEvent<[account: Jid]>;
  readonly #sessions = new Map<string, FakeSession[]>();
  readonly #accountHandlers = new Map<string, AccountRequestHandler>();
  #requestCount = 0;

  constructor(domain = 'example.org') {
    super(domain);
    this.received = new FakeEvent(this.failures);
    this.offlineMessage = new FakeEvent(this.failures);
    this.archived = new FakeEvent(this.failures);
    this.roomMessage = new FakeEvent(this.failures);
    this.subscriptionRequested = new FakeEvent(this.failures);
    this.ackDelayed = new FakeEvent(this.failures);
    this.hibernationStart = new FakeEvent(this.failures);
    this.hibernationQueued = new FakeEvent(this.failures);
    this.hibernationEnd = new FakeEvent(this.failures);
    this.sessionBegun = new FakeEvent(this.failures);
    this.accountRemoved = new FakeEvent(this.failures);
  }

  onAccountIq(route: IqRoute, handler: AccountRequestHandler): void {
    const key = routeKey(route);
    if (this.#accountHandlers.has(key)) throw new Error(`two handlers for ${key}`);
    this.#accountHandlers.set(key, handler);
  }

  advertiseAccount(advertisement: Advertisement): void {
    this.advertisedOfAccounts.push(advertisement);
  }

  sessionsOf(user: Jid): readonly FakeSession[] {
    return [...(this.#sessions.get(user.bare().toString()) ?? [])];
  }

  isHibernating(session: AccountSession): boolean {
    return this.#find(session)?.isHibernating === true;
  }

  extendHibernation(session: AccountSession, seconds: number): boolean {
    this.extensions.push({ session, seconds });
    return this.isHibernating(session);
  }

  endExtension(session: AccountSession): boolean {
    this.endedExtensions.push(session);
    return this.isHibernating(session);
  }

  /** Runs what the test says. */
  takeSilentForLate(): void {
    this.onSilentForLate();
  }

  originalOf(stanza: Element): Element {
    return this.originals.get(stanza) ?? stanza;
  }

  isOccupant(user: Jid, occupant: string): boolean {
    return this.occupants.get(user.bare().toString())?.has(occupant) === true;
  }

  isContact(user: Jid, contact: Jid): boolean | Promise<boolean> {
    return this.contacts.get(user.bare().toString())?.has(contact.bare().toString()) === true;
  }

  pendingSubscriptions(user: Jid): number | Promise<number> {
    return this.requestsFor.get(user.bare().toString()) ?? 0;
  }

  /** A session from now on; it is awake, and not available unless the test says so. `sessionBegun` is not fired. */
  addSession(
    fullJid: string,
    { presence, isHibernating = false }: { presence?: Element; isHibernating?: boolean } = {},
  ): FakeSession {
    const session: FakeSession = { jid: Jid.parse(fullJid), presence, isHibernating };
    const bare = session.jid.bare().toString();
    this.#sessions.set(bare, [...(this.#sessions.get(bare) ?? []), session]);
    return session;
  }

  /** The session is over. No event is fired. */
  removeSession(session: AccountSession): void {
    const bare = session.jid.bare().toString();
    const left = (this.#sessions.get(bare) ?? []).filter((one) => one !== session);
    this.#sessions.set(bare, left);
  }

  addContact(account: string, contact: string): void {
    add(this.contacts, account, contact);
  }

  addOccupant(account: string, occupant: string): void {
    add(this.occupants, account, occupant);
  }

  /** A session asks its own account; resolves to the payload of the result, rejects with what the handler threw. */
  async receiveAccountIq(type: 'get' | 'set', from: string, payload: Element): Promise<Element | undefined> {
    const handler = this.#accountHandlers.get(routeKey({ type, ns: payload.ns, name: payload.name }));
    if (handler === undefined) throw new Error(`nobody handles ${type} ${payload.name} in ${payload.ns}`);
    const jid = Jid.parse(from);
    const account = jid.bare();
    this.#requestCount++;
    return handler({ type, id: `a${this.#requestCount}`, from: jid, to: account, payload, account });
  }

  #find(session: AccountSession): FakeSession | undefined {
    return this.sessionsOf(session.jid).find((one) => one === session);
  }
}

function add(sets: Map<string, Set<string>>, account: string, item: string): void {
  sets.set(account, (sets.get(account) ?? new Set()).add(item));
}

function routeKey({ type, ns, name }: IqRoute): string {
  return `${type} {${ns}}${name}`;
}
