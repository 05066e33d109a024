import type { Jid } from '../../../xmpp/jid.js';

/** What a server has told about an account, as far as it can be read here. */
export type Content = Summary | Encrypted | Sealed;

interface Weight {
  /** Whether it is worth showing; otherwise no more than a look. */
  readonly isImportant: boolean;
  /** Somebody waits for an answer now. What is a call is important. */
  readonly isCall: boolean;
}

/** What is new, in fields (XEP-0357 §7); all of them may be missing. */
export interface Summary extends Weight {
  readonly kind: 'summary';
  /** Messages that wait; 0 if that is not said. */
  readonly count: number;
  /** Requests for the account's presence that wait. */
  readonly requests: number;
  readonly sender: Jid | undefined;
  /** Empty for none. */
  readonly body: string;
}

/** What only the device can read (`tigase:push:encrypt:0`), as it came. */
export interface Encrypted extends Weight {
  readonly kind: 'encrypted';
  readonly iv: string;
  readonly data: string;
  readonly type: string | undefined;
}

/** A message that is encrypted for the browser already (RFC 8291, `urn:xmpp:sce:rfc8291:0`). */
export interface Sealed extends Weight {
  readonly kind: 'sealed';
  /** At most 4,096 bytes. */
  readonly body: Uint8Array;
  readonly token: VapidToken | undefined;
}

/** By what a server shows a push service that its user may send there (RFC 8292). */
export interface VapidToken {
  /** The value of a field `Authorization`. */
  readonly authorization: string;
  /** Unix seconds; undefined if it does not say. */
  readonly expiresAt: number | undefined;
}
