import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Account } from '../account.js';
import type { Session } from '../session.js';

/**
 * What the router hands to the rules of presence (RFC 6121 §3, §4). Stanzas have their `from`, and the `to` of a
 * client, in order. All but `inbound` are called while nothing is held, and may use `accounts.with`. A `StanzaError` that
 * is thrown, or rejected with, is the answer to the stanza.
 */
export interface PresenceRules {
  /** Presence without `to` from a session: initial, changed or unavailable, to all who may see it. */
  broadcast(session: Session, stanza: Element): void | Promise<void>;
  /** Presence with `to` from a session: directed, a probe, or about a subscription. `from` is the full JID here. */
  outbound(session: Session, stanza: Element, to: Jid): void | Promise<void>;
  /**
   * Presence that arrives for an account's bare JID, from whomever. Called while nobody else works on the account, which
   * is undefined if there is none: then the answer is that of an account without subscriptions.
   */
  inbound(account: Account | undefined, stanza: Element, from: Jid, to: Jid): void | Promise<void>;
  /** A session has gone without saying so: its unavailable presence goes out for it (RFC 6121 §4.5.1). */
  gone(session: Session): void | Promise<void>;
}
