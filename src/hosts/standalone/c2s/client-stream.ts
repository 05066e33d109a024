import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import type { ParserLimits } from '../../../xmpp/parser.js';
import type { RandomText } from '../../../xmpp/random-text.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { WriteQueue } from '../../write-queue.js';
import { streamErrorFor } from '../connections/stream-error-for.js';
import { costBehind } from '../queue-cost.js';
import { quietly } from '../quietly.js';
import type { Session, SessionLink } from '../session.js';
import { type ByteRate, rateDelay, useRate } from './byte-rate.js';
import type { C2sLimits } from './limits.js';
import { type NegotiatedStream, Negotiation, type NegotiationRules } from './negotiation.js';
import { readHeader } from './stream-header.js';
import type { StreamListener, Transport } from './transport.js';

/** What the streams of a server have in common. */
export interface StreamContext extends NegotiationRules {
  readonly domain: Jid;
  readonly events: Pick<Events, 'streamFailed' | 'handlerFailed'>;
  readonly clock: Clock;
  readonly limits: C2sLimits;
  /** For those who have authenticated. */
  readonly parserLimits: ParserLimits;
  readonly streamIds: RandomText;
  /** Undefined for as fast as it comes. */
  readonly rate: ByteRate | undefined;
  /** Hears what becomes of a stream. */
  readonly registry: StreamRegistry;
}

export interface StreamRegistry {
  /** The negotiation may take longer than usual. */
  waitsForForm(stream: ClientStream): void;
  /** The client has authenticated. */
  authenticated(stream: ClientStream): void;
  /** The negotiation is over. */
  bound(stream: ClientStream): void;
  /** The stream has ended: the connection has to be closed within a bound. */
  ending(stream: ClientStream): void;
  /** The connection is gone, and so is the session when `rest` is done, if there is one. That never rejects. */
  gone(stream: ClientStream, rest: Promise<void> | undefined): void;
}

/** Why nothing is read, as bits: a stanza is being worked on; the client has sent more than its rate allows. */
const working = 1;
const tooFast = 2;

/** Stanzas for a session whose client does not know yet that it was bound. */
const maxEarly = 100;

/**
 * A client's stream (RFC 6120 §4) from the first byte to the last, over whatever carries it. One element is worked on at
 * a time. There is one of these for every client, so it holds little while nothing happens.
 */
export class ClientStream implements NegotiatedStream, StreamListener {
  readonly #context: StreamContext;
  readonly #transport: Transport;
  readonly #queue: WriteQueue<Element>;
  /** Undefined when a resource was bound. */
  #negotiation: Negotiation | undefined;
  #session: Session | undefined;
  /** What came before the client knew of its session, or after the end of that, and so was not written. */
  #kept: Element[] | undefined;
  #state: 'open' | 'ending' | 'gone' = 'open';
  /** The stream was ended, and did not just break: the session goes with it. */
  #isFinal = false;
  /** Whether our header was sent since the stream began or was restarted. */
  #hasHeader = false;
  #lang: string | undefined;
  #holds = 0;
  #work: Promise<void> | undefined;
  /** Bytes before authentication, and then after the end. */
  #countedBytes = 0;
  #lateBytes = 0;
  #rateUsedUntil = 0;
  /** When the first stanza of those that came together was done. */
  #turnBegan: number | undefined;
  #cancelWait: (() => void) | undefined;
  /** Who waits until all is written, and has to hear of the end. */
  #onEnd: (() => void)[] | undefined;

  constructor(context: StreamContext, transport: Transport) {
    this.#context = context;
    this.#transport = transport;
    this.#queue = new WriteQueue(transport, context.limits.waitingBytes);
    this.#negotiation = new Negotiation(context, transport, this);
  }

  get transport(): SessionLink['transport'] {
    return this.#transport.kind;
  }

  get lang(): string | undefined {
    return this.#lang;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  send(stanza: Element): boolean {
    if (this.#state !== 'open') return this.#keepLate(stanza);
    if (this.#session === undefined) return this.#keepEarly(stanza);
    return this.#push(stanza, stanza) || this.#keepLate(stanza);
  }

  written(): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#state !== 'open') return resolve(false);
      this.#onEnd = [...(this.#onEnd ?? []), () => resolve(false)];
      this.#queue.onceEmpty(() => {
        this.#onEnd = undefined;
        resolve(true);
      });
    });
  }

  end(error?: StreamError): void {
    this.#end(true, error);
  }

  #end(isFinal: boolean, error?: StreamError): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#isFinal = isFinal;
    this.#tellEnd();
    this.#countedBytes = 0;
    this.#cancelWait?.();
    this.#transport.ignore();
    this.#queue.end(...this.#lastWords(error));
    this.#context.registry.ending(this);
    if (error !== undefined) this.#report(error);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#transport.destroy();
  }

  write(element: Element): void {
    if (this.#state === 'open') this.#push(element);
  }

  /** `item` is given back if it does not leave. Who reads too slowly may come back later. */
  #push(element: Element, item?: Element): boolean {
    const text = this.#transport.framing.element(element);
    const isTaken = this.#queue.push(text, item, costBehind(this.#queue.bytes, element, text));
    if (!isTaken) this.#end(false, new StreamError('resource-constraint', 'The client reads too slowly.'));
    return isTaken;
  }

  startTls(proceed: Element): void {
    this.#queue.writeNow(this.#transport.framing.element(proceed));
    this.#hasHeader = false;
    this.#transport.startTls();
  }

  restart(): void {
    this.#hasHeader = false;
    this.#transport.restart(this.#context.parserLimits);
    this.#context.registry.authenticated(this);
  }

  waitForForm(): void {
    this.#context.registry.waitsForForm(this);
  }

  bound(session: Session, reply?: Element): void | Promise<void> {
    this.#session = session;
    this.#negotiation = undefined;
    if (this.#state === 'gone') return this.#unbind(session);
    this.#context.registry.bound(this);
    if (this.#state === 'ending') return;
    if (reply !== undefined) this.write(reply);
    const early = this.#kept ?? [];
    this.#kept = undefined;
    for (const stanza of early) this.send(stanza);
  }

  onHeader(header: Element, contentNamespace: string): void {
    if (this.#state !== 'open') return;
    try {
      if (this.#hasHeader || this.#negotiation === undefined)
        throw new StreamError('bad-format', 'The stream is open already.');
      const { from, lang } = readHeader(header, contentNamespace, this.#context.domain);
      this.#lang = lang;
      this.#queue.push(this.#header(from));
      this.write(this.#negotiation.features());
    } catch (error) {
      this.onBroken(error);
    }
  }

  onElement(element: Element): void {
    if (this.#state !== 'open') return;
    try {
      const work = this.#take(element) ?? this.#endOfTurn();
      if (work !== undefined) this.#waitFor(work);
    } catch (error) {
      this.onBroken(error);
    }
  }

  onEnd(isStreamClosed: boolean): void {
    this.#end(isStreamClosed);
  }

  onBytes(count: number): void {
    this.#turnBegan = undefined;
    if (this.#state === 'ending') this.#countIgnoredBytes(count);
    if (this.#state !== 'open') return;
    if (this.#negotiation !== undefined) this.#countStrangersBytes(count);
    if (this.#context.rate !== undefined) this.#slowDown(count, this.#context.rate);
    if (count >= this.#context.limits.turnBytes && this.#holds === 0) this.#waitFor(this.#nextTurn());
  }

  onBroken(error: unknown): void {
    if (this.#state !== 'open') return;
    this.end(streamErrorFor(error, 'client stream', this.#context.events));
  }

  onClosed(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#tellEnd();
    this.#cancelWait?.();
    const unbound = this.#session && this.#unbind(this.#session);
    this.#context.registry.gone(this, unbound ?? this.#work);
  }

  #tellEnd(): void {
    for (const tell of this.#onEnd ?? []) tell();
    this.#onEnd = undefined;
  }

  /** Stanzas before the end of the negotiation come from the server's side of it, which is done sooner. */
  #keepEarly(stanza: Element): boolean {
    this.#kept ??= [];
    return this.#kept.length < maxEarly && this.#kept.push(stanza) > 0;
  }

  /**
   * Messages for a client that is about to go are given back when it has gone, behind those that it did not read. When
   * there are too many, it goes at once.
   */
  #keepLate(stanza: Element): boolean {
    if (this.#state === 'gone' || this.#session === undefined || stanza.name !== 'message') return false;
    this.#lateBytes += Buffer.byteLength(this.#transport.framing.element(stanza));
    if (this.#lateBytes > this.#context.limits.waitingBytes) this.#transport.destroy();
    this.#kept ??= [];
    return this.#kept.push(stanza) > 0;
  }

  #header(to: string | undefined): string {
    this.#hasHeader = true;
    const { domain, streamIds } = this.#context;
    return this.#transport.framing.header({ from: domain.toString(), to, id: streamIds.next() });
  }

  /** An error that comes before our header follows it all the same (RFC 6120 §4.9.1.2). */
  #lastWords(error: StreamError | undefined): string[] {
    const { framing } = this.#transport;
    if (error === undefined) return this.#hasHeader ? [framing.end] : [];
    const header = this.#hasHeader ? [] : [this.#header(undefined)];
    return [...header, framing.element(error.toElement()), framing.end];
  }

  #report({ condition, text }: StreamError): void {
    const jid = this.#session?.jid.bare() ?? this.#negotiation?.account?.jid;
    const client = this.#transport.remoteAddress;
    const known = jid === undefined ? {} : { jid: jid.toString() };
    this.#context.events.streamFailed({ client, condition, text, ...known });
  }

  #take(element: Element): void | Promise<void> {
    if (element.is('error', ns.streams)) return this.end();
    if (this.#session !== undefined) return this.#context.entrance.receive(this.#session, element);
    if (!this.#hasHeader) throw new StreamError('bad-format', 'Open a stream first.');
    return this.#negotiation?.take(element);
  }

  /** Something to wait for if what came together has been worked on for so long that others must get their turn. */
  #endOfTurn(): Promise<void> | undefined {
    const { clock, limits } = this.#context;
    const now = clock.now();
    this.#turnBegan ??= now;
    return now - this.#turnBegan < limits.turn ? undefined : this.#nextTurn();
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => void this.#context.clock.after(0, resolve));
  }

  #waitFor(work: Promise<void>): void {
    this.#turnBegan = undefined;
    this.#hold(working);
    this.#work = work
      .catch((error: unknown) => this.onBroken(error))
      .then(() => {
        this.#work = undefined;
        this.#release(working);
      });
  }

  async #unbind(session: Session): Promise<void> {
    const { entrance, events } = this.#context;
    const undelivered = [...this.#queue.unsent, ...(this.#kept ?? [])];
    const isFinal = this.#isFinal;
    await quietly(events, 'end of a session', () => entrance.unbind(session, this, undelivered, isFinal));
  }

  #countStrangersBytes(count: number): void {
    if (this.#negotiation?.account !== undefined) return;
    this.#countedBytes += count;
    if (this.#countedBytes <= this.#context.limits.negotiationBytes) return;
    this.end(new StreamError('policy-violation', 'So much is not needed to authenticate.'));
  }

  /** Who goes on sending may not read why it was ended, but then it would not have anyway. */
  #countIgnoredBytes(count: number): void {
    this.#countedBytes += count;
    if (this.#countedBytes > this.#context.limits.ignoredBytes) this.destroy();
  }

  #slowDown(count: number, rate: ByteRate): void {
    this.#rateUsedUntil = useRate(this.#rateUsedUntil, this.#context.clock.now(), count, rate);
    if (this.#cancelWait === undefined) this.#waitForRate(rate);
  }

  #waitForRate(rate: ByteRate): void {
    const delay = rateDelay(this.#rateUsedUntil, this.#context.clock.now(), rate);
    this.#cancelWait = undefined;
    if (delay <= 0) {
      this.#release(tooFast);
      return;
    }
    this.#hold(tooFast);
    this.#cancelWait = this.#context.clock.after(delay, () => this.#waitForRate(rate));
  }

  #hold(reason: number): void {
    if (this.#holds === 0) this.#transport.hold();
    this.#holds |= reason;
  }

  #release(reason: number): void {
    if ((this.#holds & reason) === 0) return;
    this.#holds &= ~reason;
    if (this.#holds === 0 && this.#state === 'open') this.#transport.release();
  }
}
