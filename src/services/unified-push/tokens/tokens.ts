import { createSecretKey } from 'node:crypto';
import type { Registration } from '../registration.js';
import type { KeyStore, RegistrationStore, RevocationStore } from '../store.js';
import type { TokenBackend, TokenBackendName } from './backend.js';
import { readClaims, writeClaims } from './claims.js';
import { jwtKey, signJwt, verifyJwt } from './jwt.js';
import {
  decryptLocal,
  encryptLocal,
  formatLocalKey,
  type LocalKey,
  localHeader,
  localKeyPrefix,
  parseLocalKey,
} from './paseto.js';
import { type Codec, createStatelessBackend } from './stateless.js';
import { createStorageBackend } from './storage.js';

export interface TokensOptions {
  /** What new endpoints are made by. */
  readonly backend: TokenBackendName;
  /** `secret-token:paseto.v3.local:` and 64 hexadecimal digits is a paseto key; any other text a jwt secret. */
  readonly secret?: string | undefined;
  readonly registrations: RegistrationStore;
  readonly revocations: RevocationStore;
  readonly keys: KeyStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** The configured way to make endpoints, and every way to read them. */
export interface Tokens extends TokenBackend {
  readonly backend: TokenBackendName;
}

/** No endpoint is longer, so no token is. */
const maxTokenLength = 1000;

/**
 * Makes tokens with the configured backend and reads them by their shape, so that endpoints from before a change of the
 * backend or of the key keep working until they expire.
 * @throws {Error} if the secret does not fit the backend; rejects with the database's error
 */
export async function createTokens(options: TokensOptions): Promise<Tokens> {
  const { backend, revocations, now, randomBytes } = options;
  const secret = readSecret(options.secret);
  const storage = createStorageBackend({ ...options, key: await storageKey(options) });
  const pasetoCodec = await createPasetoCodec(options, secret.paseto);
  const paseto = createStatelessBackend({ name: 'paseto', codec: pasetoCodec, revocations, now });
  const jwtCodec = secret.jwt === undefined ? undefined : createJwtCodec(secret.jwt, randomBytes);
  const jwt = jwtCodec && createStatelessBackend({ name: 'jwt', codec: jwtCodec, revocations, now });

  const minter = backend === 'jwt' ? jwt : { paseto, storage }[backend];
  if (minter === undefined) throw new Error('unified_push.secret: the jwt backend needs one');

  function readerOf(token: string): TokenBackend | undefined {
    if (token.length > maxTokenLength) return undefined;
    if (token.startsWith(localHeader)) return paseto;
    return token.includes('.') ? jwt : storage;
  }

  return {
    backend,
    mint: minter.mint,
    verify: (token) => readerOf(token)?.verify(token) ?? Promise.resolve(undefined),
  };
}

interface Secret {
  readonly paseto?: LocalKey;
  readonly jwt?: string;
}

function readSecret(text: string | undefined): Secret {
  if (text === undefined) return {};
  if (text === '') throw new Error('unified_push.secret: is empty');
  if (!text.startsWith(localKeyPrefix)) return { jwt: text };
  const paseto = parseLocalKey(text);
  if (paseto === undefined) {
    throw new Error(`unified_push.secret: expected 64 hexadecimal digits after ${localKeyPrefix}`);
  }
  return { paseto };
}

async function storageKey({ keys, randomBytes }: TokensOptions) {
  const make = () => Buffer.from(randomBytes(32)).toString('hex');
  return createSecretKey(await keys.getOrCreate('unified-push-storage', make), 'hex');
}

/** Seals with the imported key if there is one, else with the kept one; opens with both. */
async function createPasetoCodec(
  { keys, randomBytes }: TokensOptions,
  imported: LocalKey | undefined,
): Promise<Codec> {
  const text = await keys.getOrCreate('unified-push-paseto', () => formatLocalKey(randomBytes(32)));
  const kept = parseLocalKey(text);
  if (kept === undefined) throw new Error('the stored key unified-push-paseto is damaged');
  const sealing = imported ?? kept;
  return {
    seal: (registration) => encryptLocal(sealing, Buffer.from(writeClaims(registration)), randomBytes(32)),
    open: (token) => openWith(sealing, token) ?? (sealing === kept ? undefined : openWith(kept, token)),
  };
}

function openWith(key: LocalKey, token: string): Registration | undefined {
  const opened = decryptLocal(key, token);
  return opened?.footer.length === 0 ? readClaims(opened.message.toString()) : undefined;
}

function createJwtCodec(secret: string, randomBytes: TokensOptions['randomBytes']): Codec {
  const key = jwtKey(secret);
  const makeId = () => Buffer.from(randomBytes(8)).toString('base64url');
  return {
    seal: (registration) => signJwt(key, writeClaims(registration, makeId())),
    open(token) {
      const claims = verifyJwt(key, token);
      return claims === undefined ? undefined : readClaims(claims);
    },
  };
}
