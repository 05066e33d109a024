import type { Urgency } from '../../web-push/request.js';
import type { PushSender } from './web-push.js';

/** A message that waits to be sent to a push service once more. Times are Unix milliseconds. */
export interface WaitingPush {
  /** Its endpoint: a bearer secret, never logged. */
  readonly endpoint: string;
  readonly origin: string;
  /** Encrypted. */
  readonly body: Uint8Array;
  /** The same with less in it, encrypted, for a service that finds the first too large; undefined if there is none. */
  readonly shorter: Uint8Array | undefined;
  readonly urgency: Urgency;
  readonly topic: string | undefined;
  /** As `SealedMessage.authorization`. */
  readonly authorization: string | undefined;
  /** When it is of no use any more. */
  readonly expiresAt: number;
  /** When it may be tried again. */
  readonly dueAt: number;
  /** How often it was tried in vain. */
  readonly attempts: number;
  /** Which of our services has sent it, and by which it knows again what it was for. */
  readonly service: string;
  readonly reference: string;
}

/** One that is in the store. */
export interface StoredPush extends WaitingPush {
  /** Grows: a newer one has a higher id. */
  readonly id: number;
}

export interface QueueBounds {
  readonly perEndpoint: number;
  readonly inAll: number;
}

/**
 * Where messages wait that could not be sent yet; several processes may work on it. All promises reject with the database's
 * error when it fails; what has resolved is on disk.
 */
export interface PushQueueStore {
  /**
   * Adds a message; the one of the same endpoint with its topic goes, and of those of its endpoint the oldest if they are too
   * many. `superseded` and `dropped`: how many went why. `full`: there are too many in all, and nothing was changed. What other
   * processes have added since `count` was asked last does not count for that.
   */
  add(
    push: WaitingPush,
    bounds: QueueBounds,
  ): Promise<
    | { readonly kind: 'added'; readonly superseded: number; readonly dropped: number }
    | { readonly kind: 'full' }
  >;
  /**
   * Takes those that are due longest, by their ids, but none of the origins `except`, nor what was due up to `upTo`; nobody else
   * gets them until `until`, when they are due again.
   */
  claim(
    now: number,
    until: number,
    limit: number,
    except?: readonly string[],
    upTo?: number,
  ): Promise<readonly StoredPush[]>;
  /** Those were answered for good: they go, whoever has claimed them since. */
  remove(ids: readonly number[]): Promise<void>;
  /**
   * Those are tried again then; nothing for those that have gone meanwhile, or that somebody else has claimed since: `claimedUntil`
   * is the end of the claim by which whoever postpones has them.
   */
  postpone(
    changes: readonly {
      readonly id: number;
      readonly claimedUntil: number;
      readonly dueAt: number;
      readonly attempts: number;
    }[],
  ): Promise<void>;
  /** The id of the newest one of the endpoint with that topic; undefined if there is none. */
  newest(endpoint: string, topic: string): Promise<number | undefined>;
  /** A newer message has arrived: those of the endpoint with its topic go that are not newer than `upTo`. Answers how many went. */
  supersede(endpoint: string, topic: string, upTo: number): Promise<number>;
  /**
   * Nobody waits any more for what that service has sent there by that reference, or anywhere by it: it goes. Answers how many
   * went.
   */
  withdraw(endpoint: string | undefined, sender: PushSender): Promise<number>;
  /** Removes what has expired; answers how many. */
  expire(now: number): Promise<number>;
  /** When the first one is due of those of other origins than `except`, after `upTo`; undefined if there is none. */
  nextDue(except?: readonly string[], upTo?: number): Promise<number | undefined>;
  /** How many wait. */
  count(): Promise<number>;
  /** All that were claimed are due now: nobody works on them, for this is the only process, and it has just begun. */
  release(now: number): Promise<void>;
}
