import type { Jid } from '../../xmpp/jid.js';
import type { Session } from './session.js';
import type { ArchivePreferences, StoredContact } from './store.js';

/** What tells an account from one that is made later under the same name. */
export type AccountIdentity = Pick<Account, 'id' | 'jid'>;

/** An account in memory: what routing has to know of it, equal to what is stored. */
export interface Account {
  readonly id: number;
  /** The bare JID. */
  readonly jid: Jid;
  /** Bound sessions by resource. */
  readonly sessions: ReadonlyMap<string, Session>;
  /** Contacts by JID text, those that are only pending in too. Changed by the roster alone, after the store. */
  readonly contacts: Map<string, StoredContact>;
  /** Blocked JIDs as text. Changed by blocking alone, after the store. */
  readonly blocked: Set<string>;
  /** Which messages are archived; undefined for the server's default. Changed by the archive alone, after the store. */
  archivePreferences: ArchivePreferences | undefined;
  /** The version of the roster (RFC 6121 §2.6) once somebody has asked for it; forgotten with each change. */
  rosterVersion?: string | undefined;
}

/** The accounts in memory: those with sessions, and some that were used lately. */
export interface Accounts {
  /** The account if it is in memory. */
  loaded(bareJid: string): Account | undefined;
  /**
   * Does work on an account in order with all other work on it: at once and synchronously if it is in memory and nobody
   * is at work on it. The account is undefined if there is none of that name. Work must not wait for work on another
   * account, or two of them could wait for each other for ever: send what is to be sent when the work is done.
   * @throws {StanzaError} `resource-constraint` (also as rejection) if too much work waits for the account
   */
  with<T>(bareJid: Jid, work: (account: Account | undefined) => T | Promise<T>): T | Promise<T>;
}
