import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { type ParserLimits, type StreamHandler, StreamParser } from '../../../xmpp/parser.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { doneUnlessDestroyed } from '../../write-queue.js';
import type { Channel } from '../sasl/sasl.js';
import { messageFraming } from './framing.js';
import type { StreamListener, Transport } from './transport.js';

export interface WebSocketOptions {
  readonly socket: WebSocket;
  /** What the WebSocket runs over. */
  readonly connection: Duplex;
  readonly remoteAddress: string;
  /** Encrypted on its way to us or to a proxy that we trust. */
  readonly isEncrypted: boolean;
  /** Whether it counts as private even if it is not encrypted. */
  readonly trustsClear: boolean;
  /** Bounds until the stream is restarted. */
  readonly parserLimits: ParserLimits;
}

/**
 * Each message is a document of its own (RFC 7395 §3.3). To the parser they are the children of one that never ends; it
 * declares nothing that a message could lean on but a prefix that nobody needs.
 */
const root = Buffer.from(`<s:stream xmlns:s='${ns.streams}'>`);

const noBindings: Channel['bindings'] = new Map();

/** A client's WebSocket (RFC 7395). */
export class WebSocketTransport implements Transport, StreamHandler {
  readonly kind = 'websocket';
  readonly framing = messageFraming;
  readonly canStartTls = false;
  readonly remoteAddress: string;
  readonly isEncrypted: boolean;
  readonly #trustsClear: boolean;
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #parser: StreamParser;
  #listener: StreamListener | undefined;
  #isHeld = false;
  #isIgnoring = false;
  /** Messages that came while reading was held: those of a chunk that was read already. */
  #waiting: Buffer[] = [];
  /** The element of the message at hand. */
  #element: Element | undefined;

  constructor(options: WebSocketOptions) {
    this.remoteAddress = options.remoteAddress;
    this.isEncrypted = options.isEncrypted;
    this.#trustsClear = options.trustsClear;
    this.#socket = options.socket;
    this.#connection = options.connection;
    this.#parser = new StreamParser(this, { limits: options.parserLimits });
    this.#parser.write(root);
  }

  get channel(): Channel {
    const { remoteAddress, isEncrypted } = this;
    return { remoteAddress, isPrivate: isEncrypted || this.#trustsClear, bindings: noBindings };
  }

  start(listener: StreamListener): void {
    this.#listener = listener;
    const socket = this.#socket;
    socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', (data) => this.#answerPing(data));
    // All of them count, also those of messages that are not complete.
    this.#connection.on('data', (bytes: Buffer) => this.#listener?.onBytes(bytes.length));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    socket.on('close', () => this.#closed());
  }

  write(texts: readonly string[], done: (error?: Error | null) => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#connection.cork();
    const last = texts.length - 1;
    texts.forEach((text, index) => {
      if (index === last) this.#socket.send(text, doneUnlessDestroyed(this.#connection, done));
      else this.#socket.send(text);
    });
    this.#connection.uncork();
  }

  end(): void {
    this.#socket.close(normalClosure);
  }

  startTls(): void {
    throw new Error('a WebSocket has no STARTTLS');
  }

  restart(limits: ParserLimits): void {
    this.#parser.restart(limits);
    this.#parser.write(root);
  }

  hold(): void {
    this.#isHeld = true;
    this.#socket.pause();
  }

  release(): void {
    this.#isHeld = false;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#read(next);
      if (this.#isHeld) return;
    }
    this.#socket.resume();
  }

  ignore(): void {
    this.#isIgnoring = true;
    this.#waiting = [];
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.terminate();
  }

  onOpen(): void {}

  onStanza(element: Element): void {
    if (this.#element !== undefined) throw new StreamError('bad-format', 'A message is one element.');
    this.#element = element;
  }

  onClose(): void {
    throw new StreamError('bad-format', 'Close the stream with <close/>.');
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#isIgnoring) return;
    if (isBinary) this.#listener?.onBroken(new StreamError('bad-format', 'Messages are text.'));
    else if (this.#isHeld) this.#waiting.push(data);
    else this.#read(data);
  }

  #read(message: Buffer): void {
    try {
      const element = this.#parseMessage(message);
      if (element !== undefined) this.#deliver(element);
    } catch (error) {
      this.#listener?.onBroken(error);
    }
  }

  /** Who asks and does not read gets no more answers than fit into a buffer. */
  #answerPing(data: Buffer): void {
    if (this.#connection.writableLength < maxUnsentPongs) this.#socket.pong(data);
  }

  /** White space alone keeps the connection alive, as on other transports. */
  #parseMessage(message: Buffer): Element | undefined {
    this.#element = undefined;
    this.#parser.write(message);
    if (!this.#parser.isBetweenStanzas) throw new StreamError('not-well-formed', 'A message is one element.');
    const element = this.#element;
    this.#element = undefined;
    return element;
  }

  #deliver(element: Element): void {
    if (element.is('open', ns.framing)) this.#listener?.onHeader(element, ns.client);
    else if (element.is('close', ns.framing)) this.#listener?.onEnd(true);
    else this.#listener?.onElement(element);
  }

  /** What breaks the WebSocket's own rules ends it; the client is told by the code that it is closed with. */
  #failed({ code = '' }: NodeJS.ErrnoException): void {
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      this.#listener?.onBroken(new StreamError('policy-violation', 'The message is too long.'));
    else if (code.startsWith('WS_ERR_'))
      this.#listener?.onBroken(new StreamError('bad-format', 'The message breaks a rule of WebSockets.'));
  }

  #closed(): void {
    this.#parser.stop();
    this.#listener?.onClosed();
  }
}

const normalClosure = 1000;
/** Pings are answered as long as no more bytes than this wait to leave. */
const maxUnsentPongs = 64 * 1024;
