import type { Clock } from '../../../xmpp/clock.js';
import type { DomainPair, KeyVerdict, S2sContext, StanzaStream, StreamFailure } from './context.js';
import { type DialError, type Dialed, Dialer, type DialerOptions } from './dial.js';
import { OutgoingStream } from './outgoing-stream.js';
import type { Endpoint, ServerResolver } from './resolver.js';

/** A stream of ours that does what it is for. */
export interface ReadyStream extends StanzaStream {
  /** As `OutgoingStream.verify`. */
  verify(streamId: string, key: string): Promise<KeyVerdict>;
  /** Whether the operator's rules, as they are now, would let it come to be. */
  readonly isPermitted: boolean;
}

/** Hears what becomes of an attempt to reach a server. One of `onReady` and `onFailed` is called, unless it was cancelled. */
export interface ConnectingHandler {
  /** The stream does from now on what it is for. */
  onReady(stream: ReadyStream): void;
  /** There will be no stream. */
  onFailed(failure: StreamFailure): void;
  /** The stream that was ready has closed, what it has not sent is final; undefined if it came to a good end. */
  onClosed(stream: ReadyStream, failure: StreamFailure | undefined): void;
}

/** An attempt under way. */
export interface Connecting {
  /** Gives up; the handler hears nothing of it. A stream that is ready stays. */
  cancel(): void;
}

/** Opens a stream to the server of `pair.remote`. */
export type Connect = (
  pair: DomainPair,
  purpose: 'stanzas' | 'verify',
  handler: ConnectingHandler,
) => Connecting;

export interface ConnectOptions {
  readonly context: S2sContext;
  readonly resolver: ServerResolver;
  readonly clock: Clock;
  /** Milliseconds until a stream has to be ready, whichever and however many addresses there are. */
  readonly within: number;
  readonly open?: DialerOptions['open'];
}

/** How streams are opened: the resolver's endpoints are tried until one has a server that does. */
export function createConnect(options: ConnectOptions): Connect {
  return (pair, purpose, handler) => {
    const attempt = new Attempt(options, { pair, purpose }, handler);
    void attempt.run();
    return attempt;
  };
}

interface Aim {
  readonly pair: DomainPair;
  readonly purpose: 'stanzas' | 'verify';
}

class Attempt implements Connecting {
  readonly #options: ConnectOptions;
  readonly #aim: Aim;
  readonly #handler: ConnectingHandler;
  readonly #cancelTimeout: () => void;
  #dialer: Dialer | undefined;
  #stream: OutgoingStream | undefined;
  #failure: StreamFailure | undefined;
  #isOver = false;

  constructor(options: ConnectOptions, aim: Aim, handler: ConnectingHandler) {
    this.#options = options;
    this.#aim = aim;
    this.#handler = handler;
    this.#cancelTimeout = options.clock.after(options.within, () => this.#timedOut());
  }

  async run(): Promise<void> {
    const { resolver, clock, open } = this.#options;
    const resolution = await resolver.resolve(this.#aim.pair.remote);
    if (this.#isOver) return;
    if (resolution.kind === 'failed') return this.#fail(resolution.failure);
    this.#dialer = new Dialer({
      clock,
      endpoints: resolution.endpoints,
      ...(open !== undefined && { open }),
    });
    await this.#tryNext(this.#dialer);
  }

  cancel(): void {
    if (!this.#finish()) return;
    this.#dialer?.cancel();
    this.#stream?.end();
  }

  async #tryNext(dialer: Dialer): Promise<void> {
    const dialed = await dialer.next();
    if (this.#isOver) dialed?.socket.destroy();
    else if (dialed !== undefined) this.#talk(dialer, dialed);
    else this.#fail(this.#failure ?? noConnection(dialer.lastError));
  }

  #talk(dialer: Dialer, { socket, endpoint }: Dialed): void {
    const { isDirectTls } = endpoint;
    let isReady = false;
    const stream = new OutgoingStream(
      this.#options.context,
      { socket, isDirectTls, ...this.#aim },
      {
        onReady: () => {
          isReady = this.#finish();
          if (isReady) this.#handler.onReady(stream);
        },
        onClosed: (failure) => {
          if (isReady) return this.#handler.onClosed(stream, failure);
          if (this.#isOver) return;
          this.#failure = failure;
          if (failure?.isFinal === true) this.#fail(failure);
          else void this.#tryNext(dialer);
        },
      },
    );
    this.#stream = stream;
  }

  #timedOut(): void {
    const failure = this.#failure ?? noConnection(this.#dialer?.lastError, 'ETIMEDOUT');
    this.cancel();
    this.#tell(failure);
  }

  #fail(failure: StreamFailure): void {
    if (this.#finish()) this.#tell(failure);
  }

  #tell(failure: StreamFailure): void {
    this.#options.resolver.forget(this.#aim.pair.remote);
    this.#handler.onFailed(failure);
  }

  /** False if it was over before. */
  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#cancelTimeout();
    return true;
  }
}

/** Senders hear the reason; where it was tried is for the operator alone. */
function noConnection(error: DialError | undefined, code = error?.code ?? 'no address'): StreamFailure {
  return {
    condition: 'remote-server-timeout',
    reason: `No connection could be made (${code}).`,
    ...(error !== undefined && { remedy: lookThere(error.endpoint) }),
    isFinal: true,
  };
}

function lookThere({ address, port }: Endpoint): string {
  const place = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return `${place} was tried: DNS or standalone.s2s_connect says that its server listens there.`;
}
