import type {
  AccountStore,
  BlockStore,
  Credentials,
  DocumentStore,
  OfflineStore,
  RosterStore,
  StandaloneStores,
  StoredAccount,
  StoredContact,
} from '../../src/hosts/standalone/store.js';
import { memoryArchive } from './memory-archive.js';

/** What an account has beside its name and password. */
interface Belongings {
  readonly contacts: Map<string, StoredContact>;
  readonly messages: { readonly id: number; readonly message: string }[];
  readonly blocked: Set<string>;
  /** By kind and key, as JSON. */
  readonly documents: Map<string, string>;
}

/** The one place where the stores keep their rows. */
class MemoryTables {
  /** While it is set, every call rejects with it. */
  failure: Error | undefined;
  readonly accounts = new Map<string, StoredAccount>();
  readonly belongings = new Map<number, Belongings>();
  private lastId = 0;

  nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  /** Runs the action, or fails as a broken database would. */
  async run<T>(action: () => T): Promise<T> {
    if (this.failure !== undefined) throw this.failure;
    return action();
  }

  /** Nothing for an unknown account. */
  of(accountId: number): Belongings {
    return this.belongings.get(accountId) ?? nothing();
  }

  /** As a database with foreign keys does: rejects if there is no such account. */
  change<T>(accountId: number, action: (belongings: Belongings) => T): Promise<T> {
    return this.run(() => {
      const belongings = this.belongings.get(accountId);
      if (belongings === undefined) throw new Error(`no account has the id ${accountId}`);
      return action(belongings);
    });
  }
}

function nothing(): Belongings {
  return { contacts: new Map(), messages: [], blocked: new Set(), documents: new Map() };
}

function memoryAccounts(tables: MemoryTables): AccountStore {
  const { accounts } = tables;
  return {
    create: (bareJid, credentials) =>
      tables.run(() => {
        if (accounts.has(bareJid)) return false;
        const id = tables.nextId();
        accounts.set(bareJid, { id, bareJid, credentials });
        tables.belongings.set(id, nothing());
        return true;
      }),
    find: (bareJid) => tables.run(() => accounts.get(bareJid)),
    setCredentials: (bareJid, credentials) => tables.run(() => replace(accounts, bareJid, credentials)),
    remove: (bareJid) =>
      tables.run(() => {
        const account = accounts.get(bareJid);
        if (account !== undefined) tables.belongings.delete(account.id);
        return accounts.delete(bareJid);
      }),
    list: (after, limit) =>
      tables.run(() =>
        [...accounts.keys()]
          .filter((jid) => byBytes(jid, after) > 0)
          .sort(byBytes)
          .slice(0, limit),
      ),
  };
}

function replace(accounts: Map<string, StoredAccount>, bareJid: string, credentials: Credentials): boolean {
  const account = accounts.get(bareJid);
  if (account === undefined) return false;
  accounts.set(bareJid, { ...account, credentials });
  return true;
}

/** The order of both databases. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function memoryRosters(tables: MemoryTables): RosterStore {
  return {
    load: (accountId) => tables.run(() => [...tables.of(accountId).contacts.values()]),
    put: (accountId, contact) =>
      tables.change(accountId, ({ contacts }) => void contacts.set(contact.jid, contact)),
    remove: (accountId, jid) => tables.run(() => void tables.of(accountId).contacts.delete(jid)),
  };
}

function memoryOffline(tables: MemoryTables): OfflineStore {
  return {
    add: (accountId, message, limit) =>
      tables.run(() => {
        const { messages } = tables.of(accountId);
        if (messages.length >= limit || !tables.belongings.has(accountId)) return false;
        messages.push({ id: tables.nextId(), message });
        return true;
      }),
    list: (accountId, limit, after = 0) =>
      tables.run(() =>
        tables
          .of(accountId)
          .messages.filter(({ id }) => id > after)
          .slice(0, limit),
      ),
    remove: (accountId, throughId) =>
      tables.run(() => {
        const { messages } = tables.of(accountId);
        messages.splice(0, messages.filter(({ id }) => id <= throughId).length);
      }),
  };
}

function memoryBlocks(tables: MemoryTables): BlockStore {
  return {
    load: (accountId) => tables.run(() => [...tables.of(accountId).blocked]),
    add: (accountId, jids) =>
      tables.change(accountId, ({ blocked }) => {
        for (const jid of jids) blocked.add(jid);
      }),
    remove: (accountId, jids) =>
      tables.run(() => {
        for (const jid of jids) tables.of(accountId).blocked.delete(jid);
      }),
  };
}

function memoryDocuments(tables: MemoryTables): DocumentStore {
  const nameOf = (kind: string, key: string) => JSON.stringify([kind, key]);
  return {
    find: (accountId, kind, key) => tables.run(() => tables.of(accountId).documents.get(nameOf(kind, key))),
    put: (accountId, kind, key, text, limit) =>
      tables.run(() => {
        if (!tables.belongings.has(accountId)) return false;
        const { documents } = tables.of(accountId);
        const prefix = nameOf(kind, '').slice(0, -2);
        const count = [...documents.keys()].filter((name) => name.startsWith(prefix)).length;
        if (!documents.has(nameOf(kind, key)) && count >= limit) return false;
        documents.set(nameOf(kind, key), text);
        return true;
      }),
    remove: (accountId, kind, key) =>
      tables.run(() => void tables.of(accountId).documents.delete(nameOf(kind, key))),
  };
}

export interface MemoryServerStores extends StandaloneStores {
  /** What is stored; a `failure` set here makes every call reject with it. */
  readonly tables: MemoryTables;
}

/** All stores of the embedded server, empty. */
export function memoryServerStores(): MemoryServerStores {
  const tables = new MemoryTables();
  return {
    tables,
    accounts: memoryAccounts(tables),
    rosters: memoryRosters(tables),
    offline: memoryOffline(tables),
    blocks: memoryBlocks(tables),
    documents: memoryDocuments(tables),
    archive: memoryArchive(
      (work) => tables.run(work),
      (accountId) => tables.belongings.has(accountId),
    ),
  };
}
