import { encrypt } from './encrypt.js';
import type { SubscriptionKeys } from './subscription.js';

export interface Sealer {
  /** Encrypts a payload of at most 3,993 bytes for a subscription (RFC 8291). */
  seal(keys: SubscriptionKeys, payload: Uint8Array): Promise<Uint8Array>;
  stop(): Promise<void>;
}

export function createSealer(_options: { workers: number }): Sealer {
  return {
    seal: async (keys, payload) => encrypt(keys, payload),
    stop: async () => {},
  };
}
