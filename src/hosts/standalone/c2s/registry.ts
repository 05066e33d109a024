import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import type { ClientStream, StreamRegistry } from './client-stream.js';
import { ConnectionCounter } from './connection-counter.js';
import { Deadlines } from './deadlines.js';
import type { C2sLimits } from './limits.js';
import { Strangers } from './strangers.js';

export interface RegistryOptions {
  readonly clock: Clock;
  readonly limits: C2sLimits;
  /** 0 for no bound. */
  readonly maxConnectionsPerAddress: number;
  readonly events: Pick<Events, 'connectionRefused'>;
}

const tooSlow = () => new StreamError('connection-timeout', 'The negotiation took too long.');

/** All streams that are open: who may still come, and who has to be done with what by when. */
export class Registry implements StreamRegistry {
  readonly #options: RegistryOptions;
  readonly #streams = new Set<ClientStream>();
  readonly #strangers = new Strangers<ClientStream>();
  readonly #addresses = new ConnectionCounter();
  readonly #negotiating: Deadlines<ClientStream>;
  readonly #registering: Deadlines<ClientStream>;
  readonly #closing: Deadlines<ClientStream>;
  /** What is still to be done about sessions whose connections are gone. */
  readonly #rests = new Set<Promise<void>>();
  #isClosed = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: RegistryOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.#negotiating = new Deadlines(clock, limits.negotiationTimeout, (stream) => stream.end(tooSlow()));
    this.#registering = new Deadlines(clock, limits.registrationTimeout, (stream) => stream.end(tooSlow()));
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

  add(stream: ClientStream): void {
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

  waitsForForm(stream: ClientStream): void {
    if (!this.#negotiating.delete(stream)) return;
    this.#registering.add(stream);
  }

  authenticated(stream: ClientStream): void {
    this.#strangers.delete(stream);
  }

  bound(stream: ClientStream): void {
    this.#negotiating.delete(stream);
    this.#registering.delete(stream);
  }

  ending(stream: ClientStream): void {
    this.bound(stream);
    this.#closing.add(stream);
  }

  gone(stream: ClientStream, rest: Promise<void> = Promise.resolve()): void {
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
