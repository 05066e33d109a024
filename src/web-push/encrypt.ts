import type { SubscriptionKeys } from './subscription.js';

/** The longest payload whose message is 4,096 bytes long, the most that a push service must take (RFC 8030 §7.2). */
export const maxPayloadBytes = 3993;

export interface EncryptOptions {
  /** Zeros after the payload, which hide its length: how many bytes. */
  readonly padding?: number;
  /** 16 bytes; for test vectors. */
  readonly salt?: Uint8Array;
  /** 32 bytes; for test vectors. */
  readonly senderPrivateKey?: Uint8Array;
}

export function encrypt(
  _keys: SubscriptionKeys,
  _payload: Uint8Array,
  _options: EncryptOptions = {},
): Uint8Array {
  throw new Error('not yet');
}
