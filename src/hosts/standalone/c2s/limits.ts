/** Bounds on what a client may occupy. Times are in milliseconds. */
export interface C2sLimits {
  /** Bytes of one element before authentication. */
  readonly negotiationStanzaBytes: number;
  /** Bytes of everything before authentication. */
  readonly negotiationBytes: number;
  /** From the connection until a resource is bound. */
  readonly negotiationTimeout: number;
  /** The same from when the client has begun to register: then somebody fills in a form. */
  readonly registrationTimeout: number;
  /** Failed authentications of one connection. */
  readonly authenticationTries: number;
  /** Connections that have not authenticated; one more is let in for another. */
  readonly unauthenticatedConnections: number;
  /** Bytes of one stanza. */
  readonly stanzaBytes: number;
  /** Elements of one stanza. */
  readonly stanzaElements: number;
  /** How long stanzas that came together are worked on before others get their turn, */
  readonly turn: number;
  /** and how many bytes are read from a client who sends as many at once. */
  readonly turnBytes: number;
  /**
   * Bytes that wait for a client that reads too slowly; beyond that its connection is cut. As many again of messages wait
   * while that ends.
   */
  readonly waitingBytes: number;
  /** How long a client may take to close after we did. */
  readonly closeTimeout: number;
  /** Bytes that are read and thrown away meanwhile. */
  readonly ignoredBytes: number;
  /** How long the end of all sessions may take. */
  readonly stopTimeout: number;
  /** For how many seconds of `rateLimit` a client that was silent may send at once. */
  readonly burstSeconds: number;
}

export const defaultC2sLimits: C2sLimits = {
  negotiationStanzaBytes: 10_000,
  negotiationBytes: 64 * 1024,
  negotiationTimeout: 30_000,
  registrationTimeout: 300_000,
  authenticationTries: 5,
  unauthenticatedConnections: 1_000,
  stanzaBytes: 256 * 1024,
  stanzaElements: 10_000,
  turn: 10,
  turnBytes: 32 * 1024,
  waitingBytes: 2 * 1024 * 1024,
  closeTimeout: 2_000,
  ignoredBytes: 1024 * 1024,
  stopTimeout: 5_000,
  burstSeconds: 10,
};
