import type { Socket } from 'node:net';
import type { Element } from '../../../xmpp/element.js';
import {
  type ParserLimits,
  type StreamHandler,
  StreamParser,
  type StreamParserOptions,
} from '../../../xmpp/parser.js';
import { doneUnlessDestroyed, type Sink } from '../../write-queue.js';
import type { StreamListener } from './stream-listener.js';

/** A socket that carries an XML stream (RFC 6120 §4), and may be exchanged for one with TLS. */
export class XmlSocket implements Sink, StreamHandler {
  readonly #options: StreamParserOptions;
  #socket: Socket;
  #parser: StreamParser;
  #listener: StreamListener | undefined;
  #isHeld = false;
  #hasEnded = false;
  #error: Error | undefined;

  constructor(socket: Socket, options: StreamParserOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#parser = new StreamParser(this, options);
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** What went wrong with the connection, if that is known. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Begins to read; the listener is not called before this returns. */
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

  /** Reads nothing more of this stream: what came and was not read yet is thrown away, and TLS takes the socket over. */
  abandon(): Socket {
    this.#parser.stop();
    return this.#socket;
  }

  /** Goes on with a new stream on the socket that TLS made of the one before. */
  replace(socket: Socket): void {
    this.#parser.stop();
    this.#parser = new StreamParser(this, this.#options);
    this.#socket = socket;
    if (this.#listener !== undefined) this.#listen(socket);
  }

  /** From within `onElement`: what the other side sends next is a new stream. */
  restart(limits: ParserLimits): void {
    this.#parser.restart(limits);
  }

  /** Other bounds from now on. */
  limit(limits: ParserLimits): void {
    this.#parser.limit(limits);
  }

  /** Reads nothing more until `release`. */
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

  /** Throws away what still comes, until the other side closes. */
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

  /** A socket that TLS has taken over is heard no more. */
  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      if (socket === this.#socket) this.#read(bytes);
    });
    socket.on('end', () => {
      if (socket === this.#socket) this.#ended();
    });
    socket.on('error', (error) => {
      this.#error ??= error;
      // One that TLS has taken over is TLS's to close: Node does not survive it if both are closed at once.
      if (socket === this.#socket) socket.destroy();
    });
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
