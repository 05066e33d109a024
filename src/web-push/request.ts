/** How much a message matters, and so at which state of its battery a user agent gets it (RFC 8030 §5.3). */
export type Urgency = 'very-low' | 'low' | 'normal' | 'high';

/** A message for a push service, ready to be sent (RFC 8030 §5). */
export interface PushRequest {
  readonly endpoint: string;
  readonly origin: string;
  /** Encrypted (`aes128gcm`); at most 4,096 bytes. */
  readonly body: Uint8Array;
  /** Seconds that the push service may keep it; 0: to be handed over at once or not at all. */
  readonly ttl: number;
  readonly urgency: Urgency;
  /** Replaces an undelivered message with the same one: up to 32 characters of base64url. */
  readonly topic: string | undefined;
  /** The `Authorization` to send instead of one with the key of this installation (RFC 8292 §2). */
  readonly authorization?: string | undefined;
}

/** How a request to a push service ended. */
export type SendOutcome =
  | { readonly kind: 'delivered' }
  /** The subscription is no more (404, 410). */
  | { readonly kind: 'gone'; readonly reason: string }
  /** The service does not take bodies of that size (413). */
  | { readonly kind: 'too-large'; readonly reason: string }
  /**
   * Not now. `after`: seconds that the service has asked for. `isUnreachable`: no answer came from the origin at all, so that
   * other requests to it will do no better.
   */
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly after?: number;
      readonly isUnreachable: boolean;
    }
  /** Not this one, nor will it be later. */
  | { readonly kind: 'rejected'; readonly reason: string };

/** Sends to push services. */
export interface Sender {
  /** Never rejects: how it ended is the value. What one of the signals ends is to be tried again. */
  send(request: PushRequest, ...signals: readonly AbortSignal[]): Promise<SendOutcome>;
  /** Ends what is under way, as `retry`, and closes all connections. */
  stop(): Promise<void>;
}
