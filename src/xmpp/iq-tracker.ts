import type { Clock } from './clock.js';
import type { Element } from './element.js';
import { Jid } from './jid.js';
import { RandomText } from './random-text.js';
import { StanzaError } from './stanza-error.js';

/** How a request ended. Exactly one of these per request. */
export type IqAnswer =
  | { readonly kind: 'result'; readonly payload: Element | undefined }
  | { readonly kind: 'error'; readonly error: StanzaError }
  /** Nobody answered in time. */
  | { readonly kind: 'timeout' }
  /** The stream was or went down before the answer came. */
  | { readonly kind: 'disconnected' }
  /** Too many requests are open or the write queue is full: this one was not sent. */
  | { readonly kind: 'overflow' }
  /** The asker's signal ended the wait. */
  | { readonly kind: 'aborted' };

/**
 * Why an answer counts for nothing: its id is no open request's (late or twice), its id is another process's, or it
 * comes from somebody who was not asked.
 */
export type IgnoredReason = 'unknown-id' | 'other-process' | 'wrong-sender';

export interface IqTrackerOptions {
  /** Begins every id, so that an answer that reaches another process of the same domain tells whose it is. */
  readonly processId: string;
  readonly clock: Clock;
  /** Unguessable bytes. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** The most requests that may be open at once. */
  readonly maxOpen?: number;
  /** Hears of answers that were ignored; `from` as it came. */
  readonly onIgnored?: (answer: Element, reason: IgnoredReason) => void;
}

export interface IqWait {
  /** Milliseconds until the answer `timeout`, kept to a tenth of a second. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

interface OpenRequest {
  readonly to: Jid;
  /** On the tracker's clock. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly settle: (answer: IqAnswer) => void;
}

/** How often deadlines are looked at while requests are open, in milliseconds. */
const sweepInterval = 100;

const timedOut: IqAnswer = { kind: 'timeout' };
const disconnected: IqAnswer = { kind: 'disconnected' };
const overflow: IqAnswer = { kind: 'overflow' };
const aborted: IqAnswer = { kind: 'aborted' };

/**
 * The open requests of an entity: gives ids, matches answers (RFC 6120 §8.1.3, §8.2.3), ends what is not answered.
 * Knows no socket. One shared timer looks after all deadlines, because a timer per request costs more than the rest
 * of the work here.
 */
export class IqTracker {
  readonly #options: IqTrackerOptions;
  readonly #prefix: string;
  readonly #maxOpen: number;
  readonly #open = new Map<string, OpenRequest>();
  /** Signals that are listened to, once each: many requests may share one, and a listener for each costs more than they do. */
  readonly #signals = new WeakSet<AbortSignal>();
  #stopSweeping: (() => void) | undefined;
  readonly #ids: RandomText;

  constructor(options: IqTrackerOptions) {
    this.#options = options;
    this.#prefix = `${options.processId}-`;
    this.#ids = new RandomText(options.randomBytes);
    this.#maxOpen = options.maxOpen ?? 10_000;
  }

  /** How many requests are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a request to `to` and sends it: `send` is called at once, with the id to use, unless the answer is known
   * before; what it returns tells whether the request left. The promise never rejects; if `send` throws, so does this.
   */
  ask(to: Jid, wait: IqWait, send: (id: string) => 'sent' | 'overflow' | 'disconnected'): Promise<IqAnswer> {
    if (wait.signal?.aborted === true) return Promise.resolve(aborted);
    if (this.#open.size >= this.#maxOpen) return Promise.resolve(overflow);
    const id = this.#prefix + this.#ids.next();
    const answer = this.#wait(id, to, wait);
    this.#send(id, send);
    return answer;
  }

  /** Takes a stanza that is an IQ of type `result` or `error`; tells whether it answered an open request. */
  answer(stanza: Element): boolean {
    const id = stanza.attr('id') ?? '';
    const request = this.#open.get(id);
    if (request === undefined) {
      return this.#ignore(stanza, id.startsWith(this.#prefix) ? 'unknown-id' : 'other-process');
    }
    if (!isFrom(stanza, request.to)) return this.#ignore(stanza, 'wrong-sender');
    this.#open.delete(id);
    request.settle(
      stanza.attr('type') === 'result'
        ? { kind: 'result', payload: stanza.firstElement() }
        : { kind: 'error', error: StanzaError.fromStanza(stanza) },
    );
    return true;
  }

  /** Ends the requests to a full JID that has just become unavailable: it will not answer any more. */
  failTo(jid: Jid): void {
    for (const [id, request] of this.#open) {
      if (!request.to.equals(jid)) continue;
      this.#open.delete(id);
      request.settle({ kind: 'error', error: new StanzaError('recipient-unavailable') });
    }
  }

  /** Ends all open requests as `disconnected`. The tracker may be used again. */
  disconnect(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#sweep();
    for (const request of open) request.settle(disconnected);
  }

  #send(id: string, send: (id: string) => 'sent' | 'overflow' | 'disconnected'): void {
    try {
      const sent = send(id);
      if (sent !== 'sent') this.#settle(id, sent === 'overflow' ? overflow : disconnected);
    } catch (error) {
      this.#settle(id, disconnected);
      throw error;
    }
  }

  #settle(id: string, answer: IqAnswer): void {
    const request = this.#open.get(id);
    this.#open.delete(id);
    request?.settle(answer);
  }

  #wait(id: string, to: Jid, { timeout, signal }: IqWait): Promise<IqAnswer> {
    const deadline = this.#options.clock.now() + timeout;
    if (signal !== undefined && !this.#signals.has(signal)) this.#listen(signal);
    return new Promise((settle) => {
      this.#open.set(id, { to, deadline, signal, settle });
      if (this.#stopSweeping === undefined) this.#sweepLater();
    });
  }

  #listen(signal: AbortSignal): void {
    this.#signals.add(signal);
    signal.addEventListener('abort', () => this.#abort(signal), { once: true });
  }

  #abort(signal: AbortSignal): void {
    for (const [id, request] of this.#open) {
      if (request.signal !== signal) continue;
      this.#open.delete(id);
      request.settle(aborted);
    }
  }

  #sweepLater(): void {
    this.#stopSweeping = this.#options.clock.after(sweepInterval, () => {
      this.#stopSweeping = undefined;
      this.#sweep();
    });
  }

  /** Ends what is overdue, and looks again later as long as anything is open. */
  #sweep(): void {
    const now = this.#options.clock.now();
    for (const [id, request] of this.#open) {
      if (request.deadline > now) continue;
      this.#open.delete(id);
      request.settle(timedOut);
    }
    if (this.#open.size > 0) {
      if (this.#stopSweeping === undefined) this.#sweepLater();
    } else {
      this.#stopSweeping?.();
      this.#stopSweeping = undefined;
    }
  }

  #ignore(answer: Element, reason: IgnoredReason): boolean {
    this.#options.onIgnored?.(answer, reason);
    return false;
  }
}

/** Compares as text first: servers hand on prepared addresses, so that parsing is rarely needed. */
function isFrom(stanza: Element, asked: Jid): boolean {
  const from = stanza.attr('from');
  return from === asked.toString() || Jid.tryParse(from)?.equals(asked) === true;
}
