import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Account } from '../account.js';

/** What the archive made of a message. */
export interface Recorded {
  /**
   * The message for the account's own devices: without ids that somebody else claims the account to have given, and with
   * the archive's own if it keeps the message (XEP-0359 §4).
   */
  readonly stanza: Element;
  /**
   * True when it is on disk, false if it could not be, which the archive reports; never rejects. Undefined if it is not
   * kept.
   */
  readonly written: Promise<boolean> | undefined;
}

/** What the way of messages asks of the archive (XEP-0313). Called once for each message and account, in order. */
export interface Archiving {
  /** A message that the account is about to receive from `other`, or has sent to it. Does not wait. */
  record(account: Account, stanza: Element, direction: 'incoming' | 'outgoing', other: Jid): Recorded;
}

/** An archive that keeps nothing. */
export const noArchive: Archiving = { record: (_account, stanza) => ({ stanza, written: undefined }) };
