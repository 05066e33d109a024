import type { HttpErrorCode } from '../../errors.js';

/** How a push ended. A value, never an exception. */
export type PushOutcome =
  /** The device's client said that it handed the push to the application. */
  | { readonly kind: 'delivered'; readonly messageId: string }
  /** The endpoint is unknown, expired, revoked, or the device has just disowned it. */
  | { readonly kind: 'gone'; readonly code: Extract<HttpErrorCode, 'unknown-endpoint' | 'registration-gone'> }
  /** Not delivered now; the sender may try again after `retryAfter` seconds. */
  | {
      readonly kind: 'retry';
      readonly code: Extract<
        HttpErrorCode,
        | 'recipient-unavailable'
        | 'recipient-not-permitted'
        | 'no-answer'
        | 'host-disconnected'
        | 'overloaded'
        | 'too-many-pushes'
        | 'shutting-down'
      >;
      readonly retryAfter: number;
    }
  /** Not delivered, and the same push will not be. */
  | { readonly kind: 'rejected'; readonly code: Extract<HttpErrorCode, 'push-rejected' | 'storage-failed'> };
