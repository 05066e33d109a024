import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../xmpp/clock.js';
import type { Element } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { StreamParser } from '../../xmpp/parser.js';
import { serialize } from '../../xmpp/serialize.js';
import { StreamError } from '../../xmpp/stream-error.js';
import { socketSink, WriteQueue } from '../write-queue.js';
import {
  closedFailure,
  type Destination,
  type HostFailure,
  invalidXmlFailure,
  type Phase,
  socketFailure,
  streamErrorFailure,
  timeoutFailure,
  wrongPortFailure,
} from './failure.js';

/** Bounds of one connection; times in milliseconds. */
export interface ConnectionLimits {
  /** Until the TCP connection stands, name resolution included. */
  readonly connectTimeout: number;
  /** From there until the handshake is accepted. */
  readonly handshakeTimeout: number;
  /** How long the server may take to close after we did. */
  readonly closeTimeout: number;
  /** What may wait to be sent. */
  readonly writeQueueBytes: number;
  /** The largest stanza taken from the server; a larger one ends the connection. */
  readonly stanzaBytes: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  connectTimeout: 10_000,
  handshakeTimeout: 10_000,
  closeTimeout: 2_000,
  writeQueueBytes: 16 * 1024 * 1024,
  // Servers take 512 KiB from their users, and escaping makes up to six times that of it.
  stanzaBytes: 4 * 1024 * 1024,
};

export interface ConnectionOptions extends Destination {
  readonly secret: string;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
}

export interface ConnectionHandler {
  /** The server took the handshake. */
  onConnected(): void;
  /** A stanza came, in namespace `jabber:client`. */
  onStanza(stanza: Element): void;
  /** A stanza was dropped for a flaw that its author put in; its start tag, if that could be read. */
  onDropped(error: StreamError, start: Element | undefined): void;
  /** Something came, be it only a part of a stanza or white space. */
  onBytes(): void;
  /** The connection is over, and this is the last call; undefined if `close` ended it. */
  onClosed(failure: HostFailure | undefined): void;
}

const streamEnd = '</stream:stream>';

/**
 * One connection to a server as an external component (XEP-0114), from the first packet to the last. It is made once:
 * a further attempt is a new one.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #handler: ConnectionHandler;
  readonly #socket: Socket;
  readonly #parser: StreamParser;
  readonly #queue: WriteQueue;
  #phase: Phase | 'closed' = 'connecting';
  #socketError: Error | undefined;
  #cancelDeadline: () => void;

  /** Begins to connect. The handler is never called before this returns. */
  constructor(options: ConnectionOptions, handler: ConnectionHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#parser = new StreamParser(
      {
        onOpen: (header) => this.#opened(header),
        onStanza: (stanza) => this.#received(stanza),
        onClose: () => this.#ended(),
      },
      {
        limits: { stanzaBytes: options.limits.stanzaBytes },
        contentNamespaces: [ns.componentAccept],
        onDropped: (error, start) => handler.onDropped(error, start),
      },
    );
    const { host, port } = options.connect;
    this.#socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    this.#queue = new WriteQueue(socketSink(this.#socket), options.limits.writeQueueBytes);
    this.#cancelDeadline = this.#deadline(options.limits.connectTimeout);
    this.#listen();
  }

  get phase(): Phase | 'closed' {
    return this.#phase;
  }

  /** Sends a stanza that has `from` and `to`; false if the write queue is full or nothing can be sent. */
  send(stanza: Element): boolean {
    return this.#phase === 'connected' && this.#queue.push(serialize(stanza, ns.client));
  }

  /** Sends what waits, closes the stream and then the socket; resolves when that is done, within a bound. */
  close(): Promise<void> {
    if (this.#phase === 'connecting') this.#socket.destroy();
    this.#finish(undefined, streamEnd);
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /** Ends the connection at once, because of something that the connection itself cannot know. */
  abort(failure: HostFailure): void {
    this.#finish(failure, '');
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('connect', () => this.#openStream());
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#socket.on('error', (error) => {
      this.#socketError = error;
    });
    this.#socket.on('close', () => {
      if (this.#phase !== 'closed') this.#finish(this.#lossFailure(this.#phase), '');
      this.#cancelDeadline();
    });
  }

  #deadline(delay: number): () => void {
    return this.#options.clock.after(delay, () => {
      if (this.#phase !== 'closed') this.#finish(timeoutFailure(this.#phase, this.#options), '');
      this.#socket.destroy();
    });
  }

  #lossFailure(phase: Phase): HostFailure {
    const error = this.#socketError;
    return error === undefined ? closedFailure(phase, this.#options) : socketFailure(error, this.#options);
  }

  #openStream(): void {
    if (this.#phase !== 'connecting') return;
    this.#phase = 'opening';
    this.#cancelDeadline();
    this.#cancelDeadline = this.#deadline(this.#options.limits.handshakeTimeout);
    this.#queue.push(
      `<?xml version='1.0'?><stream:stream xmlns='${ns.componentAccept}' xmlns:stream='${ns.streams}' ` +
        `to='${this.#options.jid.toString()}'>`,
    );
  }

  #read(bytes: Buffer): void {
    if (this.#phase === 'closed') return;
    this.#handler.onBytes();
    try {
      this.#parser.write(bytes);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#refuse(error);
    }
  }

  /** Answers broken XML with a stream error (RFC 6120 §4.9). */
  #refuse(error: StreamError): void {
    if (this.#phase === 'opening') {
      this.#finish(wrongPortFailure('does not speak XMPP', this.#options), '');
    } else {
      this.#finish(invalidXmlFailure(error, this.#options), serialize(error.toElement()) + streamEnd);
    }
  }

  #opened(header: Element): void {
    if (this.#phase !== 'opening') return;
    if (!header.is('stream', ns.streams)) {
      this.#finish(wrongPortFailure('does not speak XMPP', this.#options), '');
    } else {
      this.#phase = 'handshaking';
      this.#shakeHands(header.attr('id') ?? '');
    }
  }

  /** A header without an id precedes a stream error; a hash of the bare secret would only give that away. */
  #shakeHands(streamId: string): void {
    if (streamId === '') return;
    const digest = createHash('sha1').update(`${streamId}${this.#options.secret}`).digest('hex');
    this.#queue.push(`<handshake>${digest}</handshake>`);
  }

  #received(stanza: Element): void {
    if (this.#phase === 'closed') return;
    if (stanza.is('error', ns.streams)) {
      const error = StreamError.fromElement(stanza);
      this.#finish(streamErrorFailure(error, this.#phase, this.#options), streamEnd);
    } else if (this.#phase === 'connected') this.#handler.onStanza(stanza);
    else this.#negotiate(stanza);
  }

  #negotiate(stanza: Element): void {
    if (stanza.is('handshake', ns.client)) {
      this.#phase = 'connected';
      this.#cancelDeadline();
      this.#handler.onConnected();
    } else if (stanza.is('features', ns.streams)) {
      this.#finish(
        wrongPortFailure('is no port for components (it offers stream features)', this.#options),
        streamEnd,
      );
    } else {
      this.#finish(
        wrongPortFailure(`answered the handshake with <${stanza.name}/>`, this.#options),
        streamEnd,
      );
    }
  }

  /** The server closed its stream in good order. */
  #ended(): void {
    if (this.#phase !== 'closed') this.#finish(closedFailure(this.#phase, this.#options), streamEnd);
  }

  /** Says the last word, tells the handler, and sees to it that the socket does not outlive this for long. */
  #finish(failure: HostFailure | undefined, last: string): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#cancelDeadline();
    this.#queue.end(last);
    this.#cancelDeadline = this.#deadline(this.#options.limits.closeTimeout);
    this.#handler.onClosed(failure);
  }
}
