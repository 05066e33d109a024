import { connect, type Socket } from 'node:net';
import type { Clock } from '../../../xmpp/clock.js';
import { keepAliveInitialDelay } from '../connections/tcp-listener.js';
import type { Endpoint } from './resolver.js';

/** A connection that was made. */
export interface Dialed {
  readonly socket: Socket;
  readonly endpoint: Endpoint;
}

/** A connection that could not be made. */
export interface DialError {
  /** The system's, or `ETIMEDOUT`. */
  readonly code: string;
  readonly endpoint: Endpoint;
}

export interface DialerOptions {
  readonly clock: Clock;
  /** In the order in which they are tried. */
  readonly endpoints: readonly Endpoint[];
  readonly limits?: Partial<DialLimits>;
  /** Begins to connect. */
  readonly open?: (endpoint: Endpoint) => Socket;
}

/** In milliseconds. */
interface DialLimits {
  /** When the next endpoint is tried beside one that takes its time. */
  readonly patience: number;
  /** How long one may take. */
  readonly attempt: number;
}

const defaultLimits: DialLimits = { patience: 2_000, attempt: 10_000 };

interface Attempt {
  readonly socket: Socket;
  readonly give: () => void;
}

type Waiter = (dialed: Dialed | undefined) => void;

/**
 * Connects to the first of some endpoints that can be had: each gets a while before the next one is tried beside it, as RFC
 * 8305 does with the addresses of one name. Whoever finds no server at the end of a connection asks for the next one.
 */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #limits: DialLimits;
  readonly #left: Endpoint[];
  readonly #attempts = new Map<Endpoint, Attempt>();
  #waiter: Waiter | undefined;
  #cancelPatience: (() => void) | undefined;
  #lastError: DialError | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#left = [...options.endpoints];
  }

  /** Why and where the last connection could not be made. */
  get lastError(): DialError | undefined {
    return this.#lastError;
  }

  /** The next connection; undefined if no further one can be made, or after `cancel`. One call at a time. */
  next(): Promise<Dialed | undefined> {
    return new Promise((resolve) => {
      this.#waiter = resolve;
      this.#tryNext();
    });
  }

  /** Gives up; for good. */
  cancel(): void {
    this.#left.length = 0;
    this.#abandonAll();
    this.#settle(undefined);
  }

  #tryNext(): void {
    this.#cancelPatience?.();
    const endpoint = this.#left.shift();
    if (endpoint !== undefined) this.#begin(endpoint);
    else if (this.#attempts.size === 0) this.#settle(undefined);
  }

  #begin(endpoint: Endpoint): void {
    const { clock, open = openSocket } = this.#options;
    const socket = open(endpoint);
    const cancelTimeout = clock.after(this.#limits.attempt, () => this.#failed(endpoint, 'ETIMEDOUT'));
    const onConnect = () => this.#connected(endpoint);
    const onError = (error: NodeJS.ErrnoException) => this.#failed(endpoint, error.code ?? 'unknown error');
    socket.once('connect', onConnect).on('error', onError);
    const give = () => {
      cancelTimeout();
      socket.off('connect', onConnect).off('error', onError);
    };
    this.#attempts.set(endpoint, { socket, give });
    this.#cancelPatience = clock.after(this.#limits.patience, () => this.#tryNext());
  }

  #connected(endpoint: Endpoint): void {
    const attempt = this.#attempts.get(endpoint);
    if (attempt === undefined) return;
    this.#attempts.delete(endpoint);
    attempt.give();
    // Those that were slower come first the next time.
    this.#left.unshift(...this.#abandonAll());
    this.#settle({ socket: attempt.socket, endpoint });
  }

  #failed(endpoint: Endpoint, code: string): void {
    if (!this.#abandon(endpoint)) return;
    this.#lastError = { code, endpoint };
    this.#tryNext();
  }

  #abandonAll(): Endpoint[] {
    const endpoints = [...this.#attempts.keys()];
    for (const endpoint of endpoints) this.#abandon(endpoint);
    return endpoints;
  }

  #abandon(endpoint: Endpoint): boolean {
    const attempt = this.#attempts.get(endpoint);
    if (attempt === undefined) return false;
    this.#attempts.delete(endpoint);
    attempt.give();
    // What goes wrong from now on matters to nobody.
    attempt.socket.on('error', () => undefined).destroy();
    return true;
  }

  #settle(dialed: Dialed | undefined): void {
    this.#cancelPatience?.();
    this.#waiter?.(dialed);
    this.#waiter = undefined;
  }
}

function openSocket({ address, port }: Endpoint): Socket {
  // Half-open: a server that has sent all and closed its side still gets what waits for it.
  return connect({
    host: address,
    port,
    ...{ noDelay: true, keepAlive: true, keepAliveInitialDelay, allowHalfOpen: true },
  });
}
