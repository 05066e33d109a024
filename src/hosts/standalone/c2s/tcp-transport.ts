import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ParserLimits, StreamParserOptions } from '../../../xmpp/parser.js';
import type { StreamListener } from '../connections/stream-listener.js';
import { XmlSocket } from '../connections/xml-socket.js';
import type { Channel } from '../sasl/sasl.js';
import { documentFraming } from './framing.js';
import { channelBindings, secure, type TlsIdentity } from './tls.js';
import type { Transport } from './transport.js';

/** What the connections of a listener have in common. */
export interface TcpSettings {
  /** TLS from the first byte (XEP-0368). */
  readonly isDirectTls: boolean;
  /** The certificate of the moment. */
  readonly identity: () => TlsIdentity;
  /** Whether a connection in clear counts as private. */
  readonly trustsClear: boolean;
  /** With the bounds until the stream is restarted. */
  readonly parser: StreamParserOptions;
}

const noBindings: Channel['bindings'] = new Map();

/** A client's TCP connection, with TLS when that was begun. */
export class TcpTransport implements Transport {
  readonly framing = documentFraming;
  readonly remoteAddress: string;
  readonly #settings: TcpSettings;
  readonly #socket: XmlSocket;
  /** What TLS was begun with. */
  #identity: TlsIdentity | undefined;

  constructor(settings: TcpSettings, socket: Socket, remoteAddress: string) {
    this.#settings = settings;
    this.remoteAddress = remoteAddress;
    const first = settings.isDirectTls ? this.#secure(socket) : socket;
    this.#socket = new XmlSocket(first, settings.parser);
  }

  get kind(): Transport['kind'] {
    if (this.#settings.isDirectTls) return 'direct-tls';
    return this.isEncrypted ? 'starttls' : 'plain';
  }

  get isEncrypted(): boolean {
    return this.#identity !== undefined;
  }

  get canStartTls(): boolean {
    return this.#identity === undefined;
  }

  get channel(): Channel {
    const { socket } = this.#socket;
    const identity = this.#identity;
    return {
      remoteAddress: this.remoteAddress,
      isPrivate: this.isEncrypted || this.#settings.trustsClear,
      bindings: identity && socket instanceof TLSSocket ? channelBindings(socket, identity) : noBindings,
    };
  }

  start(listener: StreamListener): void {
    this.#socket.start(listener);
  }

  write(texts: readonly string[], done: (error?: Error | null) => void): void {
    this.#socket.write(texts, done);
  }

  end(): void {
    this.#socket.end();
  }

  startTls(): void {
    this.#socket.replace(this.#secure(this.#socket.abandon()));
  }

  restart(limits: ParserLimits): void {
    this.#socket.restart(limits);
  }

  hold(): void {
    this.#socket.hold();
  }

  release(): void {
    this.#socket.release();
  }

  ignore(): void {
    this.#socket.ignore();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #secure(socket: Socket): Socket {
    this.#identity = this.#settings.identity();
    return secure(socket, this.#identity, this.#settings.isDirectTls);
  }
}
