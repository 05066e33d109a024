import type { Events } from '../../observability/events.js';
import type { PushRequest, Sender, SendOutcome, Urgency } from '../../web-push/request.js';
import type { Clock } from '../../xmpp/clock.js';
import { retryDelay } from '../retry-delay.js';
import type { Origins } from './origins.js';
import type { Sending } from './sending.js';
import { Waits } from './waits.js';

/** Endpoints of which is known that they were asked to wait. */
const mostEndpoints = 10_000;

/** An encrypted message. */
export interface Letter {
  readonly endpoint: string;
  readonly origin: string;
  readonly service: string;
  readonly body: Uint8Array;
  /** The same with less in it. */
  readonly shorter: () => Promise<Uint8Array | undefined>;
  readonly urgency: Urgency;
  readonly topic: string | undefined;
  /** As `SealedMessage.authorization`. */
  readonly authorization: string | undefined;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** How often it was tried before. */
  readonly attempts: number;
}

export type AttemptOutcome = Exclude<SendOutcome, { readonly kind: 'too-large' }>;

export interface AttemptsOptions {
  readonly sender: Pick<Sender, 'send'>;
  readonly origins: Origins;
  readonly clock: Clock;
  readonly now: () => number;
  readonly jitter: () => number;
  readonly events: Pick<Events, 'webPushSent' | 'handlerFailed'>;
}

/** Sends messages to those who can be sent to at the moment. */
export class Attempts {
  readonly #options: AttemptsOptions;
  /** Endpoints whose push service has asked to wait. */
  readonly #asked = new Waits(mostEndpoints);

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Milliseconds that a push service has asked to leave the endpoint alone from now on; 0 if it has not. */
  askedTime(endpoint: string): number {
    const now = this.#options.clock.now();
    return (this.#asked.get(endpoint, now) ?? now) - now;
  }

  /** Milliseconds until a message that cannot go now is looked at again. */
  place({ endpoint, origin }: Pick<Letter, 'endpoint' | 'origin'>): number {
    const { origins } = this.#options;
    const asked = this.askedTime(endpoint);
    return asked === 0 ? origins.place(origin) : Math.max(asked, origins.holdTime(origin));
  }

  /**
   * Sends a message, and if it is too large the shorter one; undefined if nothing is to be sent there now. Rejects only if the
   * shorter one cannot be made.
   */
  async send(letter: Letter, sending: Sending): Promise<AttemptOutcome | undefined> {
    const first = await this.#request(letter, letter.body, sending);
    if (first?.kind !== 'too-large') return first;
    const shorter = await letter.shorter();
    if (shorter === undefined) return { kind: 'rejected', reason: first.reason };
    const second = await this.#request(letter, shorter, sending);
    return second?.kind === 'too-large' ? { kind: 'rejected', reason: second.reason } : second;
  }

  async #request(letter: Letter, body: Uint8Array, sending: Sending): Promise<SendOutcome | undefined> {
    const { clock, origins, now } = this.#options;
    const { endpoint, origin, urgency, topic, authorization } = letter;
    if (this.askedTime(endpoint) > 0) return undefined;
    const admitted = origins.admit(origin);
    if (admitted === 'held') return undefined;
    const began = clock.now();
    const ttl = Math.max(0, Math.ceil((letter.expiresAt - now()) / 1_000));
    const request = { endpoint, origin, body, ttl, urgency, topic, authorization };
    const outcome = await this.#send(request, sending.signals);
    origins.end(origin, admitted, outcome, sending.isEnded);
    this.#note(endpoint, outcome);
    this.#report(letter, outcome, (clock.now() - began) / 1_000);
    return outcome;
  }

  /** A sender answers how it ended, whatever happens. */
  async #send(request: PushRequest, signals: readonly AbortSignal[]): Promise<SendOutcome> {
    try {
      return await this.#options.sender.send(request, ...signals);
    } catch (error) {
      this.#options.events.handlerFailed({ what: 'web push', error });
      return { kind: 'retry', reason: 'internal error', isUnreachable: false };
    }
  }

  #note(endpoint: string, outcome: SendOutcome): void {
    if (outcome.kind !== 'retry' || outcome.after === undefined) return;
    const { clock, jitter } = this.#options;
    this.#asked.set(endpoint, clock.now() + retryDelay(0, outcome.after, jitter()));
  }

  #report({ origin, service, attempts }: Letter, outcome: SendOutcome, seconds: number): void {
    this.#options.events.webPushSent({
      ...{ origin, service, outcome: outcome.kind },
      ...(outcome.kind === 'delivered' ? undefined : { reason: outcome.reason }),
      ...{ attempt: attempts + 1, seconds },
    });
  }
}
