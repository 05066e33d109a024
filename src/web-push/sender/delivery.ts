import type { SendOutcome } from '../request.js';
import { isSuccess, outcomeOf } from './answer.js';

/** Whoever has a request at the moment: a queue or a connection. */
export interface Holder {
  /** Nobody waits for its outcome any more: has to `finish` it, now or soon. */
  release(delivery: Delivery, hasTimedOut: boolean): void;
}

export interface DeliveryOptions {
  /** Of the endpoint. */
  readonly path: string;
  /** Without what HTTP itself needs. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Milliseconds that it may take in all. */
  readonly answerTime: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Hears once how it ended, */
  readonly onOutcome: (outcome: SendOutcome) => void;
  /** and, then or later, that it takes no place any more. */
  readonly onFinish: () => void;
}

/** More of an answer's body does not matter. */
const maxBody = 4_096;

/** Nor do interim answers (RFC 9110 §15.2); nobody has a reason for that many. */
const maxInterim = 16;

/** A request on its way. Its outcome may be known before its answer was read to the end, and so before its place is free. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #timer: NodeJS.Timeout;
  /** A connection has ended before it could answer, and this is the second one. */
  isRepeated = false;
  #holder: Holder | undefined;
  #status: number | undefined;
  #retryAfter: string | undefined;
  readonly #body: Buffer[] = [];
  #bodySize = 0;
  #interim = 0;
  #isSettled = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => this.#giveUp('There was no answer in time.', true), options.answerTime);
  }

  get path(): string {
    return this.#options.path;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#options.headers;
  }

  get body(): Uint8Array {
    return this.#options.body;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get isAnswered(): boolean {
    return this.#status !== undefined;
  }

  heldBy(holder: Holder): void {
    this.#holder = holder;
  }

  /** An interim answer (1xx) has come. False if that were too many, so that the exchange is to be ended. */
  onInterim(): boolean {
    this.#interim += 1;
    return this.#interim <= maxInterim;
  }

  /** An answer has begun. */
  onHead(status: number, retryAfter: string | undefined): void {
    this.#status = status;
    this.#retryAfter = retryAfter;
    if (isSuccess(status)) this.settle({ kind: 'delivered' });
  }

  /** False if no more of the body is of use, so that the exchange may be ended. */
  onBody(chunk: Buffer): boolean {
    this.#bodySize += chunk.length;
    if (!this.#isSettled) this.#body.push(chunk);
    return this.#bodySize < maxBody;
  }

  /** There is no more to come: it ended as was answered, or so if it was not. */
  end(otherwise: SendOutcome): void {
    this.#settleAs(otherwise);
    this.finish();
  }

  /** Nobody wants to know any more. */
  abort(): void {
    this.#giveUp('It was stopped.', false);
  }

  /** Its outcome is that, if it had none before. */
  settle(outcome: SendOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#options.onOutcome(outcome);
  }

  /** It takes no place any more. */
  finish(): void {
    clearTimeout(this.#timer);
    this.#options.onFinish();
  }

  #giveUp(reason: string, hasTimedOut: boolean): void {
    this.#settleAs({ kind: 'retry', reason, isUnreachable: false });
    this.#holder?.release(this, hasTimedOut);
  }

  #settleAs(otherwise: SendOutcome): void {
    if (!this.#isSettled) this.settle(this.#answered() ?? otherwise);
  }

  #answered(): SendOutcome | undefined {
    if (this.#status === undefined) return undefined;
    const body = Buffer.concat(this.#body).subarray(0, maxBody);
    const answer = { status: this.#status, retryAfter: this.#retryAfter, body };
    return outcomeOf(answer, this.path, this.#options.now());
  }
}
