/** A registration of the `storage` backend, as it is kept. Times are Unix seconds. */
export interface StoredRegistration {
  readonly bareJid: string;
  readonly resource: string;
  /** Base64 of the application's hash; a bearer secret, never logged. */
  readonly application: string;
  /** Base64 of the instance's hash; a bearer secret, never logged. */
  readonly instance: string;
  readonly expiresAt: number;
  /** Another one after each renewal. */
  readonly revision: number;
}

/** What a new registration brings; `idHash` and `seed` count only if there is none yet of the same key. */
export interface NewRegistration extends Omit<StoredRegistration, 'revision'> {
  /** SHA-256 of the endpoint's id, by which a push finds the row. */
  readonly idHash: Uint8Array;
  /** 20 random bytes that the id is derived from, with a key that is not in this table. */
  readonly seed: Uint8Array;
}

/**
 * Where the `storage` backend keeps registrations. All promises reject with the database's error when it fails; what
 * has resolved is on disk.
 */
export interface RegistrationStore {
  /**
   * Creates the registration, or, if one of the same (bareJid, application, instance) exists, moves only its resource
   * and expiry. Answers the seed that is now stored: the old one if there was one. Safe against a second process.
   */
  save(registration: NewRegistration): Promise<Uint8Array>;
  /** The registration of an id, expired or not; undefined if there is none. */
  find(idHash: Uint8Array): Promise<StoredRegistration | undefined>;
  /** How many registrations the account has besides that of (application, instance); expired ones count. */
  countOthers(registration: Pick<NewRegistration, 'bareJid' | 'application' | 'instance'>): Promise<number>;
  /**
   * Removes the registration of an id, but only while its revision is still the one given: a registration that was
   * renewed since it was read stays. Answers whether a row went.
   */
  remove(idHash: Uint8Array, revision: number): Promise<boolean>;
  /** Removes all registrations of an account; answers how many went. */
  removeAccount(bareJid: string): Promise<number>;
  /** Removes what expired before `now`, at most `limit` rows; answers how many went. */
  sweep(now: number, limit: number): Promise<number>;
}

/** Revoked stateless tokens (`paseto`, `jwt`), each until it would have expired anyway. */
export interface RevocationStore {
  /** Revokes a token by its SHA-256 hash; twice is the same as once. */
  revoke(tokenHash: Uint8Array, expiresAt: number): Promise<void>;
  isRevoked(tokenHash: Uint8Array): Promise<boolean>;
  /** Forgets revocations whose token expired before `now`, at most `limit`; answers how many went. */
  sweep(now: number, limit: number): Promise<number>;
}

/** Keys that are made once per installation and shared by all its processes. */
export interface KeyStore {
  /** The key of that name; made by `make` and stored if there is none. Two processes at once get the same one. */
  getOrCreate(name: string, make: () => string): Promise<string>;
}
