/** Bounds on what another server may occupy. Times are in milliseconds. */
export interface S2sLimits {
  /** Bytes of one element before the first domain has authenticated. */
  readonly negotiationStanzaBytes: number;
  /** Bytes of everything before that. */
  readonly negotiationBytes: number;
  /** From the connection until a domain has authenticated. */
  readonly negotiationTimeout: number;
  /** Connections on which none has; one more is let in for another. */
  readonly unauthenticatedConnections: number;
  /** Until another server says whether a key is valid, and until it answers ours. */
  readonly dialbackTimeout: number;
  /** Domain pairs that one stream may be for, those that are being verified included. */
  readonly pairs: number;
  /** Of those, pairs that are being verified at the same time. */
  readonly verifyingPairs: number;
  /** The same on all streams from one address. */
  readonly verifyingPerAddress: number;
  /** Questions about keys (`db:verify`) that are open on one stream of ours. */
  readonly openVerifications: number;
  /** Failed authentications by certificate of one connection. */
  readonly authenticationTries: number;
  /** Bytes and elements of one stanza. */
  readonly stanzaBytes: number;
  readonly stanzaElements: number;
  /** Stanzas of one stream that are being worked on before more are read. */
  readonly inFlight: number;
  /** How long stanzas that came together are worked on before others get their turn, */
  readonly turn: number;
  /** and how many bytes are read from a server that sends as many at once. */
  readonly turnBytes: number;
  /** Bytes that wait for a server that reads too slowly; beyond that its connection is cut. */
  readonly waitingBytes: number;
  /** Without a stanza in either direction a stream is closed after that. */
  readonly idleTimeout: number;
  /** White space is sent when nothing else was for so long. */
  readonly keepAlive: number;
  /** How long a server may take to close after we did. */
  readonly closeTimeout: number;
  /** Bytes that are read and thrown away meanwhile. */
  readonly ignoredBytes: number;
  /** How long the end of all streams may take. */
  readonly stopTimeout: number;
}

export const defaultS2sLimits: S2sLimits = {
  negotiationStanzaBytes: 10_000,
  negotiationBytes: 64 * 1024,
  negotiationTimeout: 60_000,
  unauthenticatedConnections: 500,
  dialbackTimeout: 30_000,
  pairs: 500,
  verifyingPairs: 16,
  verifyingPerAddress: 64,
  openVerifications: 100,
  authenticationTries: 3,
  // Servers take 512 KiB from their users, and escaping makes up to six times that of it.
  stanzaBytes: 4 * 1024 * 1024,
  stanzaElements: 100_000,
  inFlight: 256,
  turn: 10,
  turnBytes: 64 * 1024,
  waitingBytes: 16 * 1024 * 1024,
  idleTimeout: 60 * 60 * 1000,
  keepAlive: 5 * 60 * 1000,
  closeTimeout: 5_000,
  ignoredBytes: 1024 * 1024,
  stopTimeout: 5_000,
};
