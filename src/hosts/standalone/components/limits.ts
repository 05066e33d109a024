import { defaultParserLimits, type ParserLimits } from '../../../xmpp/parser.js';

/** Bounds on what a component may occupy. Times are in milliseconds. */
export interface ComponentLimits {
  /** Bytes of everything before the handshake, and of each element of it. */
  readonly handshakeBytes: number;
  /** From the connection until the handshake. */
  readonly negotiationTimeout: number;
  /** Connections without handshake; one more is let in for another. */
  readonly unauthenticatedConnections: number;
  /** Bytes and elements of one stanza. */
  readonly stanzaBytes: number;
  readonly stanzaElements: number;
  /** Stanzas of one component that are being worked on before more are read. */
  readonly inFlight: number;
  /** Bytes that wait for a component that reads too slowly; beyond that its connection is cut. */
  readonly waitingBytes: number;
  /** How long a component may take to close after we did. */
  readonly closeTimeout: number;
  /** Bytes that are read and thrown away meanwhile. */
  readonly ignoredBytes: number;
  /** How long the end of all connections may take. */
  readonly stopTimeout: number;
  /** Addresses that are remembered as they were written. */
  readonly addresses: number;
}

export const defaultComponentLimits: ComponentLimits = {
  handshakeBytes: 10_000,
  negotiationTimeout: 30_000,
  unauthenticatedConnections: 100,
  // A component passes on what others wrote to it, and escaping makes up to six times that of it.
  stanzaBytes: 4 * 1024 * 1024,
  stanzaElements: 100_000,
  inFlight: 256,
  waitingBytes: 16 * 1024 * 1024,
  closeTimeout: 2_000,
  ignoredBytes: 1024 * 1024,
  stopTimeout: 5_000,
  addresses: 10_000,
};

/** What the parser may hold before the handshake. */
export function handshakeParserLimits({ handshakeBytes }: ComponentLimits): ParserLimits {
  return { ...defaultParserLimits, stanzaBytes: handshakeBytes };
}

/** What the parser may hold after it. */
export function stanzaParserLimits({ stanzaBytes, stanzaElements }: ComponentLimits): ParserLimits {
  return { ...defaultParserLimits, stanzaBytes, elements: stanzaElements };
}
