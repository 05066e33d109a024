import type { Urgency } from '../../web-push/request.js';
import type { Subscription } from '../../web-push/subscription.js';

/** How a message is to be delivered. */
interface Handling {
  /** Seconds after which it is of no use any more. */
  readonly ttl: number;
  readonly urgency: Urgency;
  /** Replaces an undelivered message with the same one: up to 32 characters of base64url. */
  readonly topic: string | undefined;
  /** It is not sent before that moment, in Unix milliseconds: it waits on disk, and a newer one of its topic takes its place. */
  readonly notBefore?: number;
}

/** A message for a user agent, in clear. */
export interface PushMessage extends Handling {
  /** At most 3,993 bytes. */
  readonly payload: Uint8Array;
  /** What it says at least, for a push service that finds the payload too large; undefined if it has nothing to leave out. */
  readonly shorter: Uint8Array | undefined;
}

/** A message that somebody else has encrypted for the user agent (RFC 8291). */
export interface SealedMessage extends Handling {
  /** At most 4,096 bytes. */
  readonly body: Uint8Array;
  /** By what the push service knows who sends (RFC 8292), as a field value; undefined: by the key of this installation. */
  readonly authorization: string | undefined;
}

/** Which of our services sends a message, and by what it knows again what that was for. Neither is secret. */
export interface PushSender {
  readonly service: string;
  readonly reference: string;
}

/** How a push ended, or that it waits. */
export type PushOutcome =
  | { readonly kind: 'delivered' }
  /** It is on disk and will be tried again until its TTL is over: `onSettled` tells what comes of it. */
  | { readonly kind: 'queued'; readonly reason: string }
  | { readonly kind: 'gone'; readonly reason: string }
  /** Not now, and it does not wait either: the queue is full, or cannot be written. `after`: seconds. */
  | { readonly kind: 'retry'; readonly reason: string; readonly after?: number }
  | { readonly kind: 'rejected'; readonly reason: string };

/** What came of a message that had waited. */
export interface Settled {
  readonly endpoint: string;
  readonly reference: string;
  readonly outcome: Exclude<PushOutcome, { readonly kind: 'queued' | 'retry' }>;
}

/** Sends messages to user agents through their push services, by Web Push (RFC 8030, 8291, 8292). */
export interface WebPush {
  /** That of this installation (RFC 8292 §3.2): a point on P-256, uncompressed, as base64url. */
  readonly publicKey: string;
  /**
   * Encrypts a message, where that is not done yet, and sends it. What cannot be sent now, or is not to be, is on disk before this
   * says `queued`; what would be of no use by then is `retry`. What the signal ends counts as what cannot be sent now. Never
   * rejects.
   */
  push(
    subscription: Subscription,
    message: PushMessage | SealedMessage,
    sender: PushSender,
    signal: AbortSignal,
  ): Promise<PushOutcome>;
  /**
   * Nobody is to read any more what waits for an endpoint by that sender; undefined: for any. That of other senders stays:
   * accounts in one browser share its endpoint. What another process has claimed from the queue already is not stopped by it
   * alone: there `askBefore` does, when it has its turn. Never rejects.
   */
  withdraw(endpoint: string | undefined, sender: PushSender): Promise<void>;
  /** Hears what came of messages of that service that had waited, also of those from before a restart. Must not throw. */
  onSettled(service: string, listener: (settled: Settled) => void): void;
  /**
   * Asks that service, when it is the turn of a message that has waited, whether it is still for anybody; if not, it goes. While
   * the service cannot say (the promise rejects), the message waits.
   */
  askBefore(
    service: string,
    isWanted: (sent: Pick<Settled, 'endpoint' | 'reference'>) => Promise<boolean>,
  ): void;
}
