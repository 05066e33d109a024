import { hash } from 'node:crypto';
import { LruCache } from '../../lru-cache.js';
import { type Registration, registrationKey } from '../registration.js';
import type { RevocationStore } from '../store.js';
import type { TokenBackend, TokenBackendName, Verified } from './backend.js';

/** How a registration becomes a token that nobody else can make, and back. */
export interface Codec {
  /** Another token each time, so that a device which disowns one can register again within the same second. */
  seal(registration: Registration): string;
  /** Undefined if the token is not one of ours. */
  open(token: string): Registration | undefined;
}

interface StatelessOptions {
  readonly name: TokenBackendName;
  readonly codec: Codec;
  readonly revocations: RevocationStore;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Tokens whose cryptography is not repeated: what busy endpoints use again and again. */
const cachedTokens = 10_000;

/**
 * Endpoints that hold their registration in themselves: nothing is stored but what was revoked. Every renewal gives a
 * new endpoint, and the one before lasts until its own expiry.
 */
export function createStatelessBackend({ name, codec, revocations, now }: StatelessOptions): TokenBackend {
  const cache = new LruCache<StatelessToken>(cachedTokens);

  /** Only what is authentic gets into the cache, so that a stranger cannot push others out. */
  function open(token: string, digest: string): StatelessToken | undefined {
    const registration = codec.open(token);
    if (registration === undefined) return undefined;
    const tokenHash = Buffer.from(digest, 'base64');
    const revoke = async () => {
      await revocations.revoke(tokenHash, registration.expiresAt);
      return true;
    };
    const opened = { registration, backend: name, key: registrationKey(registration), revoke, tokenHash };
    cache.set(digest, opened);
    return opened;
  }

  return {
    async mint(registration) {
      return codec.seal(registration);
    },
    async verify(token) {
      const digest = hash('sha256', token, 'base64');
      const found = cache.get(digest) ?? open(token, digest);
      if (found === undefined) return undefined;
      if (found.registration.expiresAt * 1000 <= now()) {
        cache.delete(digest);
        return undefined;
      }
      return (await revocations.isRevoked(found.tokenHash)) ? undefined : found;
    },
  };
}

interface StatelessToken extends Verified {
  readonly tokenHash: Uint8Array;
}
