import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Element } from '../../../xmpp/element.js';
import { type ParserLimits, type StreamHandler, StreamParser } from '../../../xmpp/parser.js';
import { doneUnlessDestroyed } from '../../write-queue.js';
import type { Channel } from '../sasl/sasl.js';
import { documentFraming } from './framing.js';
import { channelBindings, secure, type TlsIdentity } from './tls.js';
import type { StreamListener, Transport } from './transport.js';

/** What the connections of a listener have in common. */
export interface TcpSettings {
  /** TLS from the first byte (XEP-0368). */
  readonly isDirectTls: boolean;
  /** The certificate of the moment. */
  readonly identity: () => TlsIdentity;
  /** Whether a connection in clear counts as private. */
  readonly trustsClear: boolean;
  /** Bounds until the stream is restarted. */
  readonly parserLimits: ParserLimits;
}

const noBindings: Channel['bindings'] = new Map();

/** A client's TCP connection, with TLS when that was begun. */
export class TcpTransport implements Transport, StreamHandler {
  readonly framing = documentFraming;
  readonly remoteAddress: string;
  readonly #settings: TcpSettings;
  #socket: Socket;
  #parser: StreamParser;
  #listener: StreamListener | undefined;
  /** What TLS was begun with. */
  #identity: TlsIdentity | undefined;
  #isHeld = false;
  #hasEnded = false;

  constructor(settings: TcpSettings, socket: Socket, remoteAddress: string) {
    this.#settings = settings;
    this.remoteAddress = remoteAddress;
    this.#socket = settings.isDirectTls ? this.#secure(socket) : socket;
    this.#parser = this.#createParser();
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
    const socket = this.#socket;
    const identity = this.#identity;
    return {
      remoteAddress: this.remoteAddress,
      isPrivate: this.isEncrypted || this.#settings.trustsClear,
      bindings: identity && socket instanceof TLSSocket ? channelBindings(socket, identity) : noBindings,
    };
  }

  start(listener: StreamListener): void {
    this.#listener = listener;
    this.#listen(this.#socket);
  }

  write(texts: readonly string[], done: (error?: Error | null) => void): void {
    const socket = this.#socket;
    if (socket.writable) socket.write(texts.join(''), doneUnlessDestroyed(socket, done));
  }

  end(): void {
    if (this.#socket.writable) this.#socket.end();
  }

  startTls(): void {
    this.#parser.stop();
    this.#parser = this.#createParser();
    this.#socket = this.#secure(this.#socket);
    this.#listen(this.#socket);
  }

  restart(limits: ParserLimits): void {
    this.#parser.restart(limits);
  }

  hold(): void {
    this.#isHeld = true;
    this.#parser.pause();
  }

  release(): void {
    this.#isHeld = false;
    this.#parse(() => this.#parser.resume());
    if (this.#isHeld) return;
    if (this.#hasEnded) this.#listener?.onEnd(false);
    else this.#socket.resume();
  }

  ignore(): void {
    this.#isHeld = false;
    this.#parser.stop();
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onOpen(header: Element, defaultNamespace: string): void {
    this.#listener?.onHeader(header, defaultNamespace);
  }

  onStanza(stanza: Element): void {
    this.#listener?.onElement(stanza);
  }

  onClose(): void {
    this.#listener?.onEnd(true);
  }

  #secure(socket: Socket): Socket {
    this.#identity = this.#settings.identity();
    return secure(socket, this.#identity, this.#settings.isDirectTls);
  }

  #createParser(): StreamParser {
    return new StreamParser(this, { limits: this.#settings.parserLimits });
  }

  /** A socket that TLS has taken over is heard no more. */
  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      if (socket === this.#socket) this.#read(bytes);
    });
    socket.on('end', () => {
      if (socket === this.#socket) this.#ended();
    });
    // What went wrong shows in that the connection is closed.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (socket === this.#socket) this.#closed();
    });
  }

  #read(bytes: Buffer): void {
    // Work is mostly done before more comes, so the socket is only paused if not.
    if (this.#isHeld) this.#socket.pause();
    this.#parse(() => this.#parser.write(bytes));
    this.#listener?.onBytes(bytes.length);
  }

  #parse(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#listener?.onBroken(error);
    }
  }

  /** What came before the end is worked on first. */
  #ended(): void {
    this.#hasEnded = true;
    if (!this.#isHeld) this.#listener?.onEnd(false);
  }

  #closed(): void {
    this.#parser.stop();
    this.#listener?.onClosed();
  }
}
