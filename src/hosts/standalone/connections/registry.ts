import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { ConnectionCounter } from './connection-counter.js';
import { Deadlines } from './deadlines.js';
import { Strangers } from './strangers.js';

/** A stream that somebody else opened. */
export interface RegisteredStream {
  readonly remoteAddress: string;
  /** Writes what waits, then the error if there is one, then closes. */
  end(error?: StreamError): void;
  /** Ends the connection at once. */
  destroy(): void;
}

/** Times are in milliseconds. */
export interface RegistryLimits {
  /** Connections that have not authenticated; one more is let in for another. */
  readonly unauthenticatedConnections: number;
  /** From the connection until the negotiation is over. */
  readonly negotiationTimeout: number;
  /** The same for those who fill in a form; without it nobody does. */
  readonly registrationTimeout?: number;
  /** How long the other side may take to close after we did. */
  readonly closeTimeout: number;
  /** How long the end of all streams may take. */
  readonly stopTimeout: number;
}

export interface RegistryOptions {
  readonly clock: Clock;
  readonly limits: RegistryLimits;
  /** 0 for no bound. */
  readonly maxConnectionsPerAddress: number;
  readonly events: Pick<Events, 'connectionRefused'>;
}

const tooSlow = () => new StreamError('connection-timeout', 'The negotiation took too long.');

/** All streams that are open: who may still come, and who has to be done with what by when. */
export class Registry<Stream extends RegisteredStream> {
  readonly #options: RegistryOptions;
  readonly #streams = new Set<Stream>();
  readonly #strangers = new Strangers<Stream>();
  readonly #addresses = new ConnectionCounter();
  readonly #negotiating: Deadlines<Stream>;
  readonly #registering: Deadlines<Stream>;
  readonly #closing: Deadlines<Stream>;
  /** What is still to be done about sessions whose connections are gone. */
  readonly #rests = new Set<Promise<void>>();
  #isClosed = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: RegistryOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.#negotiating = new Deadlines(clock, limits.negotiationTimeout, (stream) => stream.end(tooSlow()));
    const { registrationTimeout = limits.negotiationTimeout } = limits;
    this.#registering = new Deadlines(clock, registrationTimeout, (stream) => stream.end(tooSlow()));
    this.#closing = new Deadlines(clock, limits.closeTimeout, (stream) => stream.destroy());
  }

  /** Why a connection from there is not taken; undefined if it is. */
  refusal(address: string): string | undefined {
    const { maxConnectionsPerAddress } = this.#options;
    if (this.#isClosed) return 'the server is shutting down';
    if (maxConnectionsPerAddress > 0 && this.#addresses.count(address) >= maxConnectionsPerAddress)
      return 'too many connections from this address';
    return undefined;
  }

  add(stream: Stream): void {
    if (this.#strangers.size >= this.#options.limits.unauthenticatedConnections) this.#makeRoom();
    this.#streams.add(stream);
    this.#strangers.add(stream);
    this.#addresses.add(stream.remoteAddress);
    this.#negotiating.add(stream);
  }

  #makeRoom(): void {
    const stream = this.#strangers.mostDispensable();
    if (stream === undefined) return;
    this.#strangers.delete(stream);
    stream.destroy();
    const reason = 'too many connections that have not authenticated';
    this.#options.events.connectionRefused({ client: stream.remoteAddress, reason });
  }

  /** All that are open, those that are about to end included. */
  get streams(): Iterable<Stream> {
    return this.#streams;
  }

  /** The negotiation may take longer than usual. */
  waitsForForm(stream: Stream): void {
    if (!this.#negotiating.delete(stream)) return;
    this.#registering.add(stream);
  }

  /** Whoever opened it has authenticated. */
  authenticated(stream: Stream): void {
    this.#strangers.delete(stream);
  }

  /** The negotiation is over. */
  bound(stream: Stream): void {
    this.#negotiating.delete(stream);
    this.#registering.delete(stream);
  }

  /** The stream has ended: the connection has to be closed within a bound. */
  ending(stream: Stream): void {
    this.bound(stream);
    this.#closing.add(stream);
  }

  /** The connection is gone, and so is all that hung on it when `rest` is done. That never rejects. */
  gone(stream: Stream, rest: Promise<void> = Promise.resolve()): void {
    this.bound(stream);
    this.#closing.delete(stream);
    this.#strangers.delete(stream);
    this.#streams.delete(stream);
    this.#addresses.remove(stream.remoteAddress);
    this.#rests.add(rest);
    void rest.then(() => {
      this.#rests.delete(rest);
      this.#checkEmpty();
    });
  }

  /** Takes nobody any more and ends all streams; resolves when the last session is over, or that takes too long. */
  close(): Promise<void> {
    this.#isClosed = true;
    for (const stream of this.#streams) stream.end(new StreamError('system-shutdown'));
    const { clock, limits } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.after(limits.stopTimeout, resolve);
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
      this.#checkEmpty();
    });
  }

  #checkEmpty(): void {
    if (this.#streams.size === 0 && this.#rests.size === 0) this.#onEmpty?.();
  }
}
