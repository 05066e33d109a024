/** The keys of one SCRAM mechanism (RFC 5802 §3); the password itself is nowhere. */
export interface ScramKeys {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** What an account's password is checked against. */
export interface Credentials {
  readonly sha1: ScramKeys;
  readonly sha256: ScramKeys;
}

/** An account, as it is kept. */
export interface StoredAccount {
  /** Another one for each account that ever was: what belonged to a removed account never belongs to a new one. */
  readonly id: number;
  /** Prepared bare JID. */
  readonly bareJid: string;
  readonly credentials: Credentials;
}

/**
 * Accounts of the embedded server. Promises of this and the other stores reject with the database's error when it
 * fails; what has resolved is on disk.
 */
export interface AccountStore {
  /** False if there is an account of that name already. */
  create(bareJid: string, credentials: Credentials): Promise<boolean>;
  find(bareJid: string): Promise<StoredAccount | undefined>;
  /** False if there is no such account. */
  setCredentials(bareJid: string, credentials: Credentials): Promise<boolean>;
  /** Removes the account and all that these stores have of it. False if there is none. */
  remove(bareJid: string): Promise<boolean>;
  /** Bare JIDs in order of their text, those after `after`, at most `limit`. */
  list(after: string, limit: number): Promise<readonly string[]>;
}

/** RFC 6121 §2.1.2.5. */
export type Subscription = 'none' | 'to' | 'from' | 'both';

/**
 * A contact, with the subscription states of RFC 6121 appendix A: `subscription`, `ask` is "pending out", `pendingIn` is
 * "pending in". One that is only pending in is kept, but is no roster item to the user (§3.1.3).
 */
export interface StoredContact {
  /** Prepared bare JID (or domain). */
  readonly jid: string;
  /** The empty string for none. */
  readonly name: string;
  readonly groups: readonly string[];
  readonly subscription: Subscription;
  readonly ask: boolean;
  /** Pre-approved (RFC 6121 §3.4). */
  readonly approved: boolean;
  /** The user has it in the roster; false if there is nothing but a request that waits for an answer (§3.1.3). */
  readonly isListed: boolean;
  /** The subscription request that waits for the user's answer, as XML. */
  readonly pendingIn: string | undefined;
}

export interface RosterStore {
  load(accountId: number): Promise<readonly StoredContact[]>;
  /** Writes a contact, new or not. */
  put(accountId: number, contact: StoredContact): Promise<void>;
  remove(accountId: number, jid: string): Promise<void>;
}

/** Offline messages (XEP-0160), in order of arrival. */
export interface OfflineStore {
  /**
   * Keeps a message, given as XML; false if the account has `limit` of them already. They are there in the order in which
   * they were given, though nobody waits for one before the next.
   */
  add(accountId: number, message: string, limit: number): Promise<boolean>;
  /** The oldest messages, those after the id `after`, at most `limit`. */
  list(
    accountId: number,
    limit: number,
    after?: number,
  ): Promise<readonly { readonly id: number; readonly message: string }[]>;
  /** Forgets the messages up to and with `throughId`. */
  remove(accountId: number, throughId: number): Promise<void>;
}

/** Block lists (XEP-0191): prepared JIDs of any kind. */
export interface BlockStore {
  load(accountId: number): Promise<readonly string[]>;
  add(accountId: number, jids: readonly string[]): Promise<void>;
  remove(accountId: number, jids: readonly string[]): Promise<void>;
}

/** Documents that clients leave with their account: the vCard, private XML. `kind` is the module's, `key` the document's. */
export interface DocumentStore {
  find(accountId: number, kind: string, key: string): Promise<string | undefined>;
  /** Writes a document, new or not; false if it would be new and the account has `limit` documents of that kind. */
  put(accountId: number, kind: string, key: string, text: string, limit: number): Promise<boolean>;
  remove(accountId: number, kind: string, key: string): Promise<void>;
}

/** Which messages of an account its archive keeps (XEP-0441 §3). */
export interface ArchivePreferences {
  readonly fallback: 'always' | 'roster' | 'never';
  /** JIDs, bare or full, with whom all is kept, and with whom nothing is. */
  readonly always: readonly string[];
  readonly never: readonly string[];
}

/** A message in the archive. */
export interface StoredMessage {
  /**
   * Names it, in order of time: microseconds since 1970, unique at this server. What was archived at a moment has this id
   * divided by 1,000 as its time in milliseconds.
   */
  readonly id: number;
  /** The other side's bare JID, and its resource, or the empty string. */
  readonly withBare: string;
  readonly withResource: string;
  /** The stanza, as XML. */
  readonly message: string;
}

/** Which messages of an archive are meant. All that is given has to be true of a message; ids are exclusive. */
export interface ArchiveFilter {
  readonly withBare?: string | undefined;
  readonly withResource?: string | undefined;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
}

/** Messages that accounts received and sent (XEP-0313), in order of their ids. */
export interface ArchiveStore {
  /** Writes of one turn of the event loop share one wait for the disk. */
  add(accountId: number, message: StoredMessage): Promise<void>;
  /** The highest id that any account's archive has; 0 if there is none. */
  newestId(): Promise<number>;
  /** The first or, with `isBackwards`, the last messages, at most `limit`; always in ascending order. */
  page(
    accountId: number,
    filter: ArchiveFilter,
    limit: number,
    isBackwards: boolean,
  ): Promise<readonly StoredMessage[]>;
  /** Those of these messages that the account has, in ascending order. */
  find(accountId: number, ids: readonly number[]): Promise<readonly StoredMessage[]>;
  count(accountId: number, filter: ArchiveFilter): Promise<number>;
  /** The ids of the first and the last message; undefined if there is none. */
  ends(accountId: number): Promise<{ readonly first: number; readonly last: number } | undefined>;
  /** Removes what is older than the id, at most `limit` messages; answers how many. */
  expire(beforeId: number, limit: number): Promise<number>;
  /** Undefined for an account that has not said. */
  loadPreferences(accountId: number): Promise<ArchivePreferences | undefined>;
  putPreferences(accountId: number, preferences: ArchivePreferences): Promise<void>;
}

/** All that the embedded server keeps. */
export interface StandaloneStores {
  readonly accounts: AccountStore;
  readonly rosters: RosterStore;
  readonly offline: OfflineStore;
  readonly blocks: BlockStore;
  readonly documents: DocumentStore;
  readonly archive: ArchiveStore;
}
