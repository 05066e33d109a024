import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Element } from '../../../xmpp/element.js';
import { BackOff } from '../../back-off.js';
import { keptCost } from '../queue-cost.js';
import type { Connect, Connecting, ReadyStream } from './connecting.js';
import type { DomainPair, KeyVerdict, StanzaStream, StreamFailure } from './context.js';
import { lost } from './stream-failure.js';

/** Bounds of what waits for one server. Times are in milliseconds. */
export interface RemoteQueueLimits {
  /** Stanzas that wait for a connection, and their bytes as `keptCost` counts. */
  readonly stanzas: number;
  readonly bytes: number;
  /** After a failure nothing is tried for so long at most: the first time, and after many. */
  readonly firstRest: number;
  readonly longestRest: number;
}

export interface RemoteQueueOptions {
  readonly pair: DomainPair;
  /** The account or domain of ours whose stanza was the first. */
  readonly opener: string;
  readonly connect: Connect;
  /** Tells the sender of a stanza that it will not arrive. */
  readonly giveBack: (stanza: Element, failure: StreamFailure) => void;
  /** The last stream has closed after `stop`. */
  readonly onStopped: () => void;
  readonly events: Pick<Events, 'serverUnreachable'>;
  readonly clock: Clock;
  /** A number from 0 up to 1, evenly distributed. */
  readonly random: () => number;
  readonly limits: RemoteQueueLimits;
}

/** How badly a queue is needed: not at all, to remember a failure, for its connection, for what waits in it. */
export type Need = 0 | 1 | 2 | 3;

const tooMuchWaits: StreamFailure = {
  condition: 'resource-constraint',
  reason: 'Too much waits for that server.',
  isFinal: true,
};

export const shuttingDown: StreamFailure = {
  condition: 'remote-server-timeout',
  reason: 'This server is shutting down.',
  isFinal: true,
};

/**
 * The way from a domain of ours to one of another server: a connection, made when there is something to send, and what waits
 * for it, in order. What a connection was given and did not send is sent once more. After a failure nothing is tried for a
 * while, so that stanzas for a server that is not there cost nothing.
 */
export class RemoteQueue {
  readonly #options: RemoteQueueOptions;
  readonly #backOff: BackOff;
  /** Streams that the other server opened and takes stanzas on (XEP-0288). */
  readonly #bidi: StanzaStream[] = [];
  #stream: ReadyStream | undefined;
  #attempt: Connecting | undefined;
  /** What waits, and what each of that counts for. */
  #waiting: { readonly stanza: Element; readonly cost: number }[] = [];
  #waitingBytes = 0;
  /** Stanzas that a connection was lost with before: not a third time. */
  readonly #retried = new WeakSet<Element>();
  #failure: StreamFailure | undefined;
  #restsUntil = 0;
  #isStopping = false;
  #lastUse: number;

  constructor(options: RemoteQueueOptions) {
    this.#options = options;
    const { firstRest: first, longestRest: longest } = options.limits;
    this.#backOff = new BackOff({ first, longest, jitter: options.random });
    this.#lastUse = options.clock.now();
  }

  get pair(): DomainPair {
    return this.#options.pair;
  }

  get opener(): string {
    return this.#options.opener;
  }

  get lastUse(): number {
    return this.#lastUse;
  }

  get need(): Need {
    if (this.#waiting.length > 0 || this.#attempt !== undefined) return 3;
    if (this.#stream !== undefined || this.#bidi.length > 0) return 2;
    return this.#restsUntil > this.#options.clock.now() ? 1 : 0;
  }

  send(stanza: Element): void {
    this.#lastUse = this.#options.clock.now();
    if (this.#waiting.length === 0 && this.#current?.send(stanza) === true) return;
    const refusal = this.#refusal;
    if (refusal !== undefined) this.#options.giveBack(stanza, refusal);
    else {
      this.#enqueue(stanza);
      this.#connect();
    }
  }

  /** Asks over the connection that is there; undefined if there is none. */
  verify(streamId: string, key: string): Promise<KeyVerdict> | undefined {
    return this.#stream?.verify(streamId, key);
  }

  /** A stream of the other server takes stanzas as well. */
  offer(stream: StanzaStream): void {
    this.#bidi.push(stream);
    this.forgive();
    if (this.#stream !== undefined) return;
    this.#attempt?.cancel();
    this.#attempt = undefined;
    this.#flush();
  }

  /** It does no more; `unsent` is what it was given of this queue. False if it was never offered. */
  withdraw(stream: StanzaStream, unsent: readonly Element[]): boolean {
    const index = this.#bidi.indexOf(stream);
    if (index === -1) return false;
    this.#bidi.splice(index, 1);
    this.#lost(unsent);
    return true;
  }

  /** The other server has shown that it is there: what went wrong before counts no more. */
  forgive(): void {
    this.#backOff.reset();
    this.#failure = undefined;
    this.#restsUntil = 0;
  }

  /** Ends the connection when what waits has been sent; takes nothing more. */
  stop(): void {
    this.#isStopping = true;
    this.#endIfDone();
  }

  /** The operator's rules have changed: what they do not let go on this connection goes on another. */
  obey(): void {
    if (this.#stream?.isPermitted === false) this.#stream.end();
  }

  /** When stopping: what has not been sent goes back now. */
  abandon(failure: StreamFailure = shuttingDown): void {
    this.#attempt?.cancel();
    this.#attempt = undefined;
    this.#giveBackAll(failure);
    this.#endIfDone();
  }

  get #current(): StanzaStream | undefined {
    return this.#stream ?? this.#bidi.at(-1);
  }

  /** Why stanzas that cannot be sent at once are not taken at all. */
  get #refusal(): StreamFailure | undefined {
    if (this.#isStopping) return shuttingDown;
    return this.#isResting ? this.#failure : undefined;
  }

  get #isResting(): boolean {
    const hasWay = this.#attempt !== undefined || this.#current !== undefined;
    return !hasWay && this.#options.clock.now() < this.#restsUntil;
  }

  #enqueue(stanza: Element): void {
    const { limits, giveBack } = this.#options;
    const cost = keptCost(stanza);
    const isFull = this.#waiting.length >= limits.stanzas || this.#waitingBytes + cost > limits.bytes;
    if (isFull && this.#waiting.length > 0) giveBack(stanza, tooMuchWaits);
    else {
      this.#waiting.push({ stanza, cost });
      this.#waitingBytes += cost;
    }
  }

  /** Nothing to do while there is a stream: what is not sent at its end comes back. */
  #connect(): void {
    if (this.#attempt !== undefined || this.#current !== undefined || this.#waiting.length === 0) return;
    const { connect, pair } = this.#options;
    this.#attempt = connect(pair, 'stanzas', {
      onReady: (stream) => this.#ready(stream),
      onFailed: (failure) => this.#failed(failure),
      onClosed: (stream, failure) => this.#closed(stream, failure),
    });
  }

  #ready(stream: ReadyStream): void {
    this.#attempt = undefined;
    this.#stream = stream;
    this.forgive();
    this.#flush();
    this.#endIfDone();
  }

  /** Sends what waits, as long as the stream takes it. */
  #flush(): void {
    const stream = this.#current;
    if (stream === undefined) return;
    let sent = 0;
    for (const { stanza, cost } of this.#waiting) {
      if (!stream.send(stanza)) break;
      this.#waitingBytes -= cost;
      sent++;
    }
    this.#waiting = this.#waiting.slice(sent);
  }

  #failed(failure: StreamFailure): void {
    this.#attempt = undefined;
    this.#rest(failure);
    this.#giveBackAll(failure);
    this.#endIfDone();
  }

  #closed(stream: ReadyStream, failure: StreamFailure = lost): void {
    this.#stream = undefined;
    if (stream.unsent.some((stanza) => this.#retried.has(stanza))) this.#rest(failure);
    this.#lost(stream.unsent);
  }

  /** What was lost comes before what came later, and is tried once more. */
  #lost(unsent: readonly Element[]): void {
    const failure = this.#failure ?? lost;
    const newer = this.#takeWaiting();
    for (const stanza of unsent) {
      if (this.#retried.has(stanza)) this.#options.giveBack(stanza, failure);
      else this.#enqueue(stanza);
      this.#retried.add(stanza);
    }
    for (const stanza of newer) this.#enqueue(stanza);
    this.#flush();
    if (this.#isResting || (this.#isStopping && this.#current === undefined)) this.#giveBackAll(failure);
    this.#connect();
    this.#endIfDone();
  }

  #takeWaiting(): Element[] {
    const waiting = this.#waiting.map(({ stanza }) => stanza);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }

  #rest(failure: StreamFailure): void {
    const { clock, events, pair } = this.#options;
    this.#failure = failure;
    this.#restsUntil = clock.now() + this.#backOff.next();
    const { reason, remedy } = failure;
    events.serverUnreachable({ domain: pair.remote, reason, ...(remedy !== undefined && { remedy }) });
  }

  #giveBackAll(failure: StreamFailure): void {
    for (const stanza of this.#takeWaiting()) this.#options.giveBack(stanza, failure);
  }

  /** When stopping: streams of the other server are its own affair. */
  #endIfDone(): void {
    if (!this.#isStopping || this.#waiting.length > 0 || this.#attempt !== undefined) return;
    if (this.#stream === undefined) this.#options.onStopped();
    else this.#stream.end();
  }
}
