import type { AccountIdentity } from '../account.js';

/** Conditions of RFC 6120 §6.5. */
export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure';

/** Types of channel binding: RFC 9266, RFC 5929 §4. */
export type ChannelBinding = 'tls-exporter' | 'tls-server-end-point';

/** The connection that somebody authenticates on. */
export interface Channel {
  readonly remoteAddress: string;
  /** Encrypted, or as good as that: PLAIN may be offered. */
  readonly isPrivate: boolean;
  /** The types that this connection can bind to, and their data (RFC 9266, RFC 5929). */
  readonly bindings: ReadonlyMap<ChannelBinding, () => Uint8Array>;
}

/** What the server says (RFC 6120 §6.4): more is to come, or how it ended. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Uint8Array }
  | { readonly kind: 'success'; readonly data?: Uint8Array; readonly account: AccountIdentity }
  | { readonly kind: 'failure'; readonly condition: SaslCondition; readonly text?: string };

/** An authentication under way. Never rejects. */
export interface SaslExchange {
  /** Takes the client's next message: first the initial response, or undefined if there was none. */
  next(response: Uint8Array | undefined): Promise<SaslStep>;
}

/** The server's side of authentication (RFC 6120 §6). */
export interface Sasl {
  /** What to offer on this connection, the best first. */
  mechanisms(channel: Channel): readonly string[];
  /** Begins an exchange; undefined for a mechanism that is not offered on this connection. */
  begin(mechanism: string, channel: Channel): SaslExchange | undefined;
}
