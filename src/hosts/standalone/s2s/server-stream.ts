import type { Socket } from 'node:net';
import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { defaultParserLimits, type ParserLimits } from '../../../xmpp/parser.js';
import { serialize } from '../../../xmpp/serialize.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { WriteQueue } from '../../write-queue.js';
import { streamErrorFor } from '../connections/stream-error-for.js';
import type { StreamListener } from '../connections/stream-listener.js';
import { XmlSocket } from '../connections/xml-socket.js';
import { InFlight } from '../in-flight.js';
import { costBehind } from '../queue-cost.js';
import type { S2sContext } from './context.js';
import { streamEnd } from './stream-header.js';

/** Who speaks on a stream: what differs between one that we opened and one that the other server did. */
export interface Speaker {
  /** @throws {StreamError} that ends the stream */
  onHeader(header: Element, contentNamespace: string): void;
  /**
   * Takes an element, stream errors left out. Work that is under way when it returns is not waited for before the next one
   * is handed over, unless there is much of it.
   * @throws {StreamError} that ends the stream
   */
  onElement(element: Element): void | Promise<void>;
  /** A stanza of a domain that has authenticated was dropped for a flaw; its start tag, if that could be read. */
  onDropped(error: StreamError, start: Element | undefined): void;
  /** The header that goes before an error which comes before ours (RFC 6120 §4.9.1.2). */
  header(): string;
  /** The stream is ending: nothing is taken any more and nothing is sent. */
  onEnding(end: StreamEnd): void;
  /** The connection is gone, and this is the last call. */
  onClosed(): void;
}

/** How a stream came to its end: by whom, and with which error if there was one. */
export interface StreamEnd {
  readonly by: 'us' | 'them' | 'connection';
  readonly error?: StreamError | Error | undefined;
}

/** Why nothing is read, as bits: there is too much under way; others must get their turn. */
const busy = 1;
const notItsTurn = 2;

/**
 * A stream with another server from its first byte to its last, whoever opened it: reading in turns and within bounds,
 * writing, keeping it alive, and its end.
 */
export class ServerStream implements StreamListener {
  readonly remoteAddress: string;
  readonly #context: S2sContext;
  readonly #speaker: Speaker;
  readonly #socket: XmlSocket;
  readonly #queue: WriteQueue<Element>;
  readonly #inFlight: InFlight;
  #state: 'open' | 'ending' | 'gone' = 'open';
  /** Whether our header was sent since the stream began or was restarted. */
  #hasHeader = false;
  /** Stanzas are expected, and what third parties wrote in them costs at most those. */
  #isTrusted = false;
  #holds = 0;
  /** Bytes before somebody has authenticated, and then after the end. */
  #countedBytes = 0;
  #turnBegan: number | undefined;
  #lastWrite: number;
  #lastStanza: number;
  #cancelTimer: (() => void) | undefined;

  constructor(context: S2sContext, socket: Socket, speaker: Speaker) {
    this.#context = context;
    this.#speaker = speaker;
    this.remoteAddress = socket.remoteAddress ?? 'unknown';
    this.#socket = new XmlSocket(socket, {
      limits: strangersLimits(context),
      contentNamespaces: [ns.server],
      onDropped: (error, start) => this.#dropped(error, start),
    });
    this.#queue = new WriteQueue(this.#socket, context.limits.waitingBytes);
    this.#inFlight = new InFlight(context.limits.inFlight);
    this.#lastWrite = context.clock.now();
    this.#lastStanza = this.#lastWrite;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Stanzas that have not left, in order. */
  get unsent(): readonly Element[] {
    return this.#queue.unsent;
  }

  /** Begins to read; the speaker is not called before this returns. */
  start(): void {
    this.#socket.start(this);
  }

  /** Sends our header; what follows belongs to the stream that it opens. */
  open(header: string): void {
    this.#hasHeader = true;
    this.#write(header);
  }

  /** Writes an element that is no stanza: it is not given back when the stream ends. */
  write(element: Element): void {
    if (this.isOpen) this.#write(serialize(element, ns.client));
  }

  /** As `StanzaStream.send`. */
  send(stanza: Element): boolean {
    if (!this.isOpen) return false;
    const text = serialize(stanza, ns.client);
    this.#lastWrite = this.#context.clock.now();
    this.#lastStanza = this.#lastWrite;
    if (this.#queue.push(text, stanza, costBehind(this.#queue.bytes, stanza, text))) return true;
    this.end(new StreamError('resource-constraint', 'The server reads too slowly.'));
    return false;
  }

  /**
   * TLS takes the connection over, after `element` if there is one: `handshake` is given the socket, `secured` tells of
   * its end.
   */
  startTls(handshake: (socket: Socket) => void, element?: Element): void {
    if (element !== undefined) this.#queue.writeNow(serialize(element, ns.client));
    this.#hasHeader = false;
    handshake(this.#socket.abandon());
  }

  /** What is read and written from now on is in TLS. */
  secured(socket: Socket): void {
    this.#socket.replace(socket);
  }

  /** From within `onElement`: what the other side sends next is a new stream. */
  restart(): void {
    this.#hasHeader = false;
    this.#socket.restart(this.#isTrusted ? stanzaLimits(this.#context) : strangersLimits(this.#context));
  }

  /** A domain has authenticated: stanzas may come, and go. */
  trust(): void {
    if (this.#isTrusted) return;
    this.#isTrusted = true;
    this.#socket.limit(stanzaLimits(this.#context));
    this.#lastStanza = this.#context.clock.now();
    this.#watch();
  }

  /** Writes what waits, then the error if there is one, then closes. */
  end(error?: StreamError): void {
    this.#end({ by: 'us', error }, error);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  onHeader(header: Element, contentNamespace: string): void {
    if (this.isOpen) this.#guard(() => this.#speaker.onHeader(header, contentNamespace));
  }

  onElement(element: Element): void {
    if (!this.isOpen) return;
    if (element.is('error', ns.streams)) {
      this.#end({ by: 'them', error: StreamError.fromElement(element) });
      return;
    }
    this.#lastStanza = this.#context.clock.now();
    const work = this.#guard(() => this.#speaker.onElement(element));
    if (work instanceof Promise) this.#takeOn(work);
    this.#endTurn();
  }

  onEnd(isStreamClosed: boolean): void {
    this.#end({ by: isStreamClosed ? 'them' : 'connection' });
  }

  onBytes(count: number): void {
    this.#turnBegan = undefined;
    if (this.#state === 'ending') this.#countIgnored(count);
    if (!this.isOpen) return;
    if (!this.#isTrusted) this.#countStrangers(count);
    if (count >= this.#context.limits.turnBytes && this.#holds === 0) this.#waitForTurn();
  }

  onBroken(error: unknown): void {
    if (!this.isOpen) return;
    this.end(streamErrorFor(error, 'server stream', this.#context.events));
  }

  onClosed(): void {
    if (this.#state === 'gone') return;
    if (this.#state === 'open') this.#leave({ by: 'connection', error: this.#socket.error });
    this.#state = 'gone';
    this.#cancelTimer?.();
    this.#speaker.onClosed();
  }

  #write(text: string): void {
    this.#lastWrite = this.#context.clock.now();
    this.#queue.push(text);
  }

  #guard<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.onBroken(error);
      return undefined;
    }
  }

  #dropped(error: StreamError, start: Element | undefined): void {
    if (!this.#isTrusted) throw error;
    this.#speaker.onDropped(error, start);
  }

  #end(end: StreamEnd, error?: StreamError): void {
    if (!this.isOpen) return;
    const header = this.#hasHeader || error === undefined ? [] : [this.#speaker.header()];
    const words = error === undefined ? [] : [serialize(error.toElement())];
    const hasStream = this.#hasHeader || error !== undefined;
    this.#leave(end);
    this.#socket.ignore();
    this.#queue.end(...header, ...words, ...(hasStream ? [streamEnd] : []));
    this.#cancelTimer = this.#context.clock.after(this.#context.limits.closeTimeout, () => this.destroy());
  }

  #leave(end: StreamEnd): void {
    this.#state = 'ending';
    this.#countedBytes = 0;
    this.#cancelTimer?.();
    this.#speaker.onEnding(end);
  }

  #takeOn(work: Promise<void>): void {
    const wait = this.#inFlight.add(work.catch((error: unknown) => this.onBroken(error)));
    if (wait === undefined || (this.#holds & busy) !== 0) return;
    this.#hold(busy);
    void wait.then(() => this.#release(busy));
  }

  /** Those who sent much at once go on when others had their turn. */
  #endTurn(): void {
    const { clock, limits } = this.#context;
    const now = clock.now();
    this.#turnBegan ??= now;
    if (now - this.#turnBegan >= limits.turn) this.#waitForTurn();
  }

  #waitForTurn(): void {
    if ((this.#holds & notItsTurn) !== 0) return;
    this.#turnBegan = undefined;
    this.#hold(notItsTurn);
    this.#context.clock.after(0, () => this.#release(notItsTurn));
  }

  #hold(reason: number): void {
    if (!this.isOpen) return;
    if (this.#holds === 0) this.#socket.hold();
    this.#holds |= reason;
  }

  #release(reason: number): void {
    if ((this.#holds & reason) === 0) return;
    this.#holds &= ~reason;
    if (this.#holds === 0 && this.isOpen) this.#socket.release();
  }

  #countStrangers(count: number): void {
    this.#countedBytes += count;
    if (this.#countedBytes <= this.#context.limits.negotiationBytes) return;
    this.end(new StreamError('policy-violation', 'So much is not needed to authenticate.'));
  }

  #countIgnored(count: number): void {
    this.#countedBytes += count;
    if (this.#countedBytes > this.#context.limits.ignoredBytes) this.destroy();
  }

  /** One look now and then, for both time limits. */
  #watch(): void {
    const { clock, limits } = this.#context;
    this.#cancelTimer?.();
    this.#cancelTimer = clock.after(Math.min(limits.keepAlive, limits.idleTimeout), () => {
      const now = clock.now();
      if (now - this.#lastStanza >= limits.idleTimeout) return this.end();
      if (now - this.#lastWrite >= limits.keepAlive) this.#write(' ');
      this.#watch();
    });
  }
}

function strangersLimits({ limits }: S2sContext): ParserLimits {
  return { ...defaultParserLimits, stanzaBytes: limits.negotiationStanzaBytes };
}

function stanzaLimits({ limits }: S2sContext): ParserLimits {
  return { ...defaultParserLimits, stanzaBytes: limits.stanzaBytes, elements: limits.stanzaElements };
}
