import type { Registration } from '../registration.js';

export type TokenBackendName = 'paseto' | 'storage' | 'jwt';

/** What a token that was minted here stands for, not expired and not revoked. */
export interface Verified {
  readonly registration: Registration;
  readonly backend: TokenBackendName;
  /** What limits are counted by: the same for all tokens of one account, application and instance. Secret. */
  readonly key: string;
  /**
   * Makes the token worthless for good; on disk when it resolves. Answers false if the registration was renewed since
   * it was read, under the same token: then it stays. Rejects with the database's error.
   */
  revoke(): Promise<boolean>;
}

/** One way to make endpoints. */
export interface TokenBackend {
  /**
   * A token for a registration: characters that a URL path takes as they are. Undefined if the account has too many
   * registrations. Rejects with the database's error.
   */
  mint(registration: Registration): Promise<string | undefined>;
  /** Undefined for every token that does not count, whatever the reason. Rejects with the database's error. */
  verify(token: string): Promise<Verified | undefined>;
}
