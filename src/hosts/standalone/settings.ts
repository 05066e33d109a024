/** Settings and bounds of the embedded server that an operator may change. */
export interface StandaloneSettings {
  /** Whether strangers may make accounts (XEP-0077). */
  readonly registration: 'open' | 'closed';
  /** Offline messages kept for each account; 0 for none. */
  readonly maxOfflineMessages: number;
  readonly maxSessionsPerAccount: number;
  /** Stream management (XEP-0198). Times in seconds. */
  readonly smacks: {
    /** How long a session without connection waits for its client. */
    readonly hibernationTime: number;
    /** How long a client may take to acknowledge before it counts as asleep. */
    readonly maxAckDelay: number;
    /** Stanzas that wait for a client that has no connection. */
    readonly maxQueueSize: number;
  };
  /** The archive (XEP-0313). */
  readonly archive: {
    /** What is kept for accounts that have not said. */
    readonly defaultPolicy: 'always' | 'roster' | 'never';
    /** Seconds until a message is removed; 0 for never. */
    readonly expiresAfter: number;
    /** The most messages in a page. */
    readonly maxQueryResults: number;
  };
}

/** Bounds of what an account may keep, beside those that are settings. */
export const accountLimits = {
  contacts: 2_000,
  groupsPerContact: 32,
  /** Bytes of a contact's name or of a group's. */
  nameBytes: 1_023,
  /** Bytes of all addresses, names and groups in a roster: it is sent as a whole, and stays in memory. */
  rosterBytes: 1024 * 1024,
  blocked: 2_000,
  privateDocuments: 100,
  /** Bytes of the vCard, and of each element of private XML. */
  documentBytes: 128 * 1024,
  /** Bytes of a message that is kept for an account without sessions. */
  offlineMessageBytes: 256 * 1024,
  /** Addresses in the preferences of the archive, and bytes of them: they stay in memory. */
  archiveJids: 1_000,
  archiveJidBytes: 64 * 1024,
  /** Bytes of a presence stanza: it goes to many, and the last one stays in memory as long as its session. */
  presenceBytes: 16 * 1024,
} as const;
