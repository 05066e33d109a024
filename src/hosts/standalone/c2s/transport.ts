import type { ParserLimits } from '../../../xmpp/parser.js';
import type { Sink } from '../../write-queue.js';
import type { StreamListener } from '../connections/stream-listener.js';
import type { Channel } from '../sasl/sasl.js';
import type { SessionLink } from '../session.js';
import type { Framing } from './framing.js';

export type { StreamListener };

/** What carries a client's stream: a TCP connection, with TLS or without, or a WebSocket. */
export interface Transport extends Sink {
  readonly kind: SessionLink['transport'];
  readonly framing: Framing;
  readonly remoteAddress: string;
  /** What authentication may know of it. */
  readonly channel: Channel;
  /** Nobody between the client and this machine can read along. */
  readonly isEncrypted: boolean;
  readonly canStartTls: boolean;
  /** Begins to read; the listener is not called before this returns. */
  start(listener: StreamListener): void;
  /** Begins the TLS handshake. What came in clear and was not read yet is thrown away. */
  startTls(): void;
  /** From within `onElement`: what the client sends next is a new stream. */
  restart(limits: ParserLimits): void;
  /** Reads nothing more until `release`. */
  hold(): void;
  release(): void;
  /** Throws away what still comes, until the client closes. */
  ignore(): void;
  destroy(): void;
}
