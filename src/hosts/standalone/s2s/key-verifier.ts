import type { Clock } from '../../../xmpp/clock.js';
import type { Connect, Connecting, ReadyStream } from './connecting.js';
import { type DomainPair, type KeyVerdict, pairKey } from './context.js';

/** Bounds of asking others about keys. Times are in milliseconds. */
export interface VerifierLimits {
  /** Servers that are being asked. */
  readonly servers: number;
  /** Questions that wait for one connection. */
  readonly waiting: number;
  /** How long an answer may take, the connection included. */
  readonly answer: number;
  /** How long a connection stays when nothing is asked any more. */
  readonly linger: number;
  /** After a failure, nothing is asked there for so long. */
  readonly rest: number;
}

export interface VerifierOptions {
  readonly connect: Connect;
  readonly clock: Clock;
  readonly limits: VerifierLimits;
}

/**
 * Asks the servers that are authoritative for domains whether keys are theirs (XEP-0220 §2.2), over connections of its
 * own.
 */
export class KeyVerifier {
  readonly #options: VerifierOptions;
  readonly #servers = new Map<string, Asked>();
  #isStopped = false;

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** As `S2sContext.verifyKey`. */
  verify(pair: DomainPair, streamId: string, key: string): Promise<KeyVerdict> {
    const server = this.#isStopped ? undefined : this.#serverOf(pair);
    return server === undefined ? Promise.resolve('unreachable') : server.ask(streamId, key);
  }

  /** Ends all connections; what was asked is `unreachable`. */
  stop(): void {
    this.#isStopped = true;
    for (const server of this.#servers.values()) server.stop();
  }

  #serverOf(pair: DomainPair): Asked | undefined {
    const id = pairKey(pair);
    const known = this.#servers.get(id);
    if (known !== undefined) return known;
    if (this.#servers.size >= this.#options.limits.servers && !this.#makeRoom()) return undefined;
    const server = new Asked(this.#options, pair, () => {
      if (this.#servers.get(id) === server) this.#servers.delete(id);
    });
    this.#servers.set(id, server);
    return server;
  }

  /** Gives up a server that is not asked anything now. */
  #makeRoom(): boolean {
    for (const server of this.#servers.values()) {
      if (server.isAsked) continue;
      server.stop();
      return true;
    }
    return false;
  }
}

interface Question {
  readonly streamId: string;
  readonly key: string;
  readonly answer: (verdict: KeyVerdict) => void;
}

/** A server that is asked, from the first question until nothing was asked for a while. */
class Asked {
  readonly #options: VerifierOptions;
  readonly #forget: () => void;
  readonly #attempt: Connecting;
  readonly #open = new Set<Question>();
  #stream: ReadyStream | undefined;
  #hasFailed = false;
  #cancelLinger: (() => void) | undefined;

  /** `forget` is called when it can be of no use any more. */
  constructor(options: VerifierOptions, pair: DomainPair, forget: () => void) {
    this.#options = options;
    this.#forget = forget;
    this.#attempt = options.connect(pair, 'verify', {
      onReady: (stream) => this.#ready(stream),
      onFailed: () => this.#failed(),
      onClosed: () => this.#closed(),
    });
  }

  /** Whether somebody waits for an answer. */
  get isAsked(): boolean {
    return this.#open.size > 0;
  }

  ask(streamId: string, key: string): Promise<KeyVerdict> {
    const { clock, limits } = this.#options;
    if (this.#hasFailed || this.#open.size >= limits.waiting) return Promise.resolve('unreachable');
    return new Promise((resolve) => {
      const question: Question = {
        streamId,
        key,
        answer: (verdict) => {
          if (!this.#open.delete(question)) return;
          cancelTimeout();
          resolve(verdict);
          if (this.#open.size === 0) this.#linger();
        },
      };
      const cancelTimeout = clock.after(limits.answer, () => question.answer('unreachable'));
      this.#cancelLinger?.();
      this.#open.add(question);
      if (this.#stream !== undefined) send(this.#stream, question);
    });
  }

  stop(): void {
    this.#attempt.cancel();
    this.#stream?.end();
    this.#closed();
  }

  #ready(stream: ReadyStream): void {
    this.#stream = stream;
    for (const question of this.#open) send(stream, question);
    if (this.#open.size === 0) this.#linger();
  }

  #failed(): void {
    this.#hasFailed = true;
    this.#answerAll();
    this.#cancelLinger?.();
    this.#cancelLinger = this.#options.clock.after(this.#options.limits.rest, this.#forget);
  }

  #closed(): void {
    this.#hasFailed = true;
    this.#answerAll();
    this.#cancelLinger?.();
    this.#forget();
  }

  #answerAll(): void {
    for (const question of [...this.#open]) question.answer('unreachable');
  }

  #linger(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = this.#options.clock.after(this.#options.limits.linger, () => {
      this.#attempt.cancel();
      this.#stream?.end();
      this.#hasFailed = true;
      this.#forget();
    });
  }
}

function send(stream: ReadyStream, { streamId, key, answer }: Question): void {
  void stream.verify(streamId, key).then(answer);
}
