import { stanzaErrorFor } from '../../errors.js';
import type { Events } from '../../observability/events.js';
import type { Jid } from '../../xmpp/jid.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account, Accounts } from './account.js';
import type { Session } from './session.js';
import type { ArchivePreferences, StandaloneStores, StoredAccount, StoredContact } from './store.js';

export interface AccountCacheOptions {
  readonly stores: Pick<StandaloneStores, 'accounts' | 'rosters' | 'blocks' | 'archive'>;
  readonly events: Pick<Events, 'storageFailed'>;
  /** Accounts without sessions that stay in memory; the one that was not used for longest goes first. */
  readonly maxIdle: number;
  /** Work that may wait for one account. */
  readonly maxWaiting: number;
}

type Work<T> = (account: Account | undefined) => T | Promise<T>;

/** What is stored of an account and stays in memory with it. */
interface Kept {
  readonly contacts: readonly StoredContact[];
  readonly blocked: readonly string[];
  readonly archivePreferences: ArchivePreferences | undefined;
}

class CachedAccount implements Account {
  readonly id: number;
  readonly jid: Jid;
  readonly sessions = new Map<string, Session>();
  readonly contacts = new Map<string, StoredContact>();
  readonly blocked: Set<string>;
  archivePreferences: ArchivePreferences | undefined;
  rosterVersion: string | undefined;

  constructor(id: number, jid: Jid, { contacts, blocked, archivePreferences }: Kept) {
    this.id = id;
    this.jid = jid;
    for (const contact of contacts) this.contacts.set(contact.jid, contact);
    this.blocked = new Set(blocked);
    this.archivePreferences = archivePreferences;
  }
}

/** Work that waits until an account is free, each in order; begins when it is called. */
interface Line {
  /** What goes before the rest. */
  readonly first: (() => void)[];
  readonly rest: (() => void)[];
}

/**
 * The accounts in memory and their sessions. That there is no account of some name is never remembered: it may be made
 * at any time, by another process too.
 */
export class AccountCache implements Accounts {
  readonly #options: AccountCacheOptions;
  /** Those with sessions, by bare JID. */
  readonly #active = new Map<string, CachedAccount>();
  /** Those without, the one used last at the end. */
  readonly #idle = new Map<string, CachedAccount>();
  /** By full JID: most stanzas find their way by this one look-up. */
  readonly #sessions = new Map<string, Session>();
  /** What waits for accounts at which somebody is at work, by bare JID. */
  readonly #lines = new Map<string, Line>();

  constructor(options: AccountCacheOptions) {
    this.#options = options;
  }

  loaded(bareJid: string): Account | undefined {
    return this.#find(bareJid);
  }

  /** The bound session of a full JID. */
  session(fullJid: string): Session | undefined {
    return this.#sessions.get(fullJid);
  }

  /** Whether work for an account would have to wait. */
  isBusy(bareJid: Jid): boolean {
    return this.#lines.size > 0 && this.#lines.has(bareJid.toString());
  }

  with<T>(bareJid: Jid, work: Work<T>): T | Promise<T> {
    const busy = this.#lines.get(bareJid.toString());
    if (busy === undefined) return this.#begin(bareJid, work);
    if (busy.rest.length < this.#options.maxWaiting) return this.#wait(busy, busy.rest, bareJid, work);
    throw new StanzaError('resource-constraint', 'Too much waits for this account.');
  }

  /** As `with`, before all that waits already, and however much that is: for what happened before it. */
  withFirst<T>(bareJid: Jid, work: Work<T>): T | Promise<T> {
    const busy = this.#lines.get(bareJid.toString());
    return busy === undefined ? this.#begin(bareJid, work) : this.#wait(busy, busy.first, bareJid, work);
  }

  /** Adds a session to its account, which must be in memory. Called while nobody else works on the account. */
  enter(session: Session): void {
    const key = session.account.jid.toString();
    const account = this.#find(key);
    if (account === undefined) throw new Error('a session enters an account that is not in memory');
    account.sessions.set(session.jid.resource, session);
    this.#sessions.set(session.jid.toString(), session);
    this.#idle.delete(key);
    this.#active.set(key, account);
  }

  /** Takes a session away from its account; false if it was not there, because another one has its place. */
  leave(session: Session): boolean {
    const fullJid = session.jid.toString();
    if (this.#sessions.get(fullJid) !== session) return false;
    this.#sessions.delete(fullJid);
    const key = session.account.jid.toString();
    const account = this.#active.get(key);
    account?.sessions.delete(session.jid.resource);
    if (account?.sessions.size === 0) {
      this.#active.delete(key);
      this.#keepIdle(key, account);
    }
    return true;
  }

  /** Forgets an account that has no sessions any more. */
  forget(bareJid: string): void {
    this.#idle.delete(bareJid);
  }

  #find(key: string): CachedAccount | undefined {
    return this.#active.get(key) ?? this.#idle.get(key);
  }

  /** As `#find`, and it was used just now. */
  #use(key: string): CachedAccount | undefined {
    const active = this.#active.get(key);
    if (active !== undefined) return active;
    const idle = this.#idle.get(key);
    if (idle !== undefined) {
      this.#idle.delete(key);
      this.#idle.set(key, idle);
    }
    return idle;
  }

  #keepIdle(key: string, account: CachedAccount): void {
    this.#idle.set(key, account);
    for (const oldest of this.#idle.keys()) {
      if (this.#idle.size <= this.#options.maxIdle) return;
      if (!this.#lines.has(oldest)) this.#idle.delete(oldest);
    }
  }

  async #load(bareJid: Jid): Promise<CachedAccount | undefined> {
    const key = bareJid.toString();
    try {
      const stored = await this.#options.stores.accounts.find(key);
      if (stored === undefined) return undefined;
      const account = await this.#read(stored, bareJid);
      this.#keepIdle(key, account);
      return account;
    } catch (error) {
      this.#options.events.storageFailed({ what: 'account', error });
      throw stanzaErrorFor('storage-failed');
    }
  }

  async #read({ id }: StoredAccount, bareJid: Jid): Promise<CachedAccount> {
    const { rosters, blocks, archive } = this.#options.stores;
    const [contacts, blocked, archivePreferences] = await Promise.all([
      rosters.load(id),
      blocks.load(id),
      archive.loadPreferences(id),
    ]);
    return new CachedAccount(id, bareJid, { contacts, blocked, archivePreferences });
  }

  #begin<T>(bareJid: Jid, work: Work<T>): T | Promise<T> {
    const key = bareJid.toString();
    const line: Line = { first: [], rest: [] };
    this.#lines.set(key, line);
    const account = this.#use(key);
    return account === undefined
      ? this.#release(key, line, this.#load(bareJid).then(work))
      : this.#workNow(key, line, () => work(account));
  }

  #workNow<T>(key: string, line: Line, work: () => T | Promise<T>): T | Promise<T> {
    let done: T | Promise<T>;
    try {
      done = work();
    } catch (error) {
      this.#next(key, line);
      throw error;
    }
    if (done instanceof Promise) return this.#release(key, line, done);
    this.#next(key, line);
    return done;
  }

  #wait<T>(line: Line, place: (() => void)[], bareJid: Jid, work: Work<T>): Promise<T> {
    const key = bareJid.toString();
    const begin = async () => work(this.#use(key) ?? (await this.#load(bareJid)));
    return new Promise((resolve, reject) => {
      place.push(() => void this.#release(key, line, begin()).then(resolve, reject));
    });
  }

  /** Lets the next one begin when this work is done, however it went. */
  #release<T>(key: string, line: Line, work: Promise<T>): Promise<T> {
    return work.finally(() => this.#next(key, line));
  }

  #next(key: string, line: Line): void {
    const next = line.first.shift() ?? line.rest.shift();
    if (next === undefined) this.#lines.delete(key);
    else next();
  }
}
