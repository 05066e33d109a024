import type { DataForm } from '../xmpp/data-form.js';
import type { DiscoItem, Identity } from '../xmpp/disco.js';
import type { Element } from '../xmpp/element.js';
import type { IqAnswer } from '../xmpp/iq-tracker.js';
import type { Jid } from '../xmpp/jid.js';

/** Which requests a handler wants: the IQ's type and its payload's namespace and name. */
export interface IqRoute {
  readonly type: 'get' | 'set';
  readonly ns: string;
  readonly name: string;
}

/** An IQ request addressed to the host's domain, checked: it has an id, one payload and a valid sender. */
export interface IqRequest {
  readonly type: 'get' | 'set';
  readonly id: string;
  readonly from: Jid;
  readonly to: Jid;
  readonly payload: Element;
}

/**
 * What it returns is the payload of the result (undefined: an empty result); a thrown `StanzaError` is the error
 * reply; anything else that is thrown becomes `internal-server-error` and is logged.
 */
export type IqHandler = (request: IqRequest) => Element | undefined | Promise<Element | undefined>;

/** A request of ours. `from` is the host's domain. */
export interface OutgoingIq {
  readonly type: 'get' | 'set';
  readonly to: Jid;
  readonly payload: Element;
}

export interface SendIqOptions {
  /** Milliseconds until the answer `timeout`. */
  readonly timeout: number;
  /** Ends the wait with the answer `aborted`. */
  readonly signal?: AbortSignal;
}

/** Presence that somebody sent to the host's domain itself. Types other than these two do not reach a service. */
export interface DirectedPresence {
  readonly from: Jid;
  readonly available: boolean;
}

/** What disco#info and disco#items (XEP-0030) answer for the host's domain beyond what the host itself offers. */
export interface Advertisement {
  readonly features?: readonly string[];
  readonly identities?: readonly Identity[];
  /** XEP-0128 result forms. */
  readonly forms?: readonly DataForm[];
  /** Further entities of the same server. */
  readonly items?: readonly DiscoItem[];
}

/**
 * The XMPP server Belfry lives in, as far as a service may know it: an entity with a domain JID that receives and
 * sends stanzas. Both hosts pass `tests/contract/host.contract.ts`.
 */
export interface Host {
  /** The domain JID that services are reached at. */
  readonly domain: Jid;
  /** True while stanzas can be sent. */
  readonly isConnected: boolean;
  /** Registers the one handler of a route; a second one for the same route is a programming error and throws. */
  onIq(route: IqRoute, handler: IqHandler): void;
  /** Hears of directed presence (RFC 6121 §4.6). A handler that throws is logged and harms nobody. */
  onPresence(handler: (presence: DirectedPresence) => void): void;
  /**
   * Sends a request and waits for its answer. Never rejects: how it ended is the value. An answer counts only if its
   * `from` is the JID that was asked and its `id` is ours (RFC 6120 §8.1.3, §8.2.3).
   */
  sendIq(iq: OutgoingIq, options: SendIqOptions): Promise<IqAnswer>;
  /** Sends a message or presence; false if the host is not connected or its write queue is full. */
  send(stanza: Element): boolean;
  /** Adds to what disco#info answers. */
  advertise(advertisement: Advertisement): void;
}

/** A device of an account: connected, or asleep and expected back (XEP-0198). */
export interface AccountSession {
  /** The full JID. */
  readonly jid: Jid;
}

/** A request of an account's own session, to its own bare JID or without `to`. */
export interface AccountRequest extends IqRequest {
  /** The bare JID. */
  readonly account: Jid;
}

export type AccountRequestHandler = (
  request: AccountRequest,
) => Element | undefined | Promise<Element | undefined>;

/** Something that happens to accounts again and again. What a listener throws, or rejects with, is logged and harms nobody. */
export interface AccountEvent<Args extends readonly unknown[]> {
  on(listener: (...args: Args) => void | Promise<void>): void;
}

/**
 * A host that has the accounts of its users, and so sees what arrives for those that are not there: the embedded server. A
 * component is none.
 */
export interface AccountHost extends Host {
  /** Requests of accounts to themselves. One handler for each route. */
  onAccountIq(route: IqRoute, handler: AccountRequestHandler): void;
  /** What disco#info answers for an account's bare JID. */
  advertiseAccount(advertisement: Advertisement): void;
  /** The account's sessions, those that hibernate among them. */
  sessionsOf(user: Jid): readonly AccountSession[];
  isHibernating(session: AccountSession): boolean;
  /** Lets a session without connection wait so many seconds from now; false if it is none. */
  extendHibernation(session: AccountSession, seconds: number): boolean;
  /** A message was kept for an account that no session took it for. */
  readonly offlineMessage: AccountEvent<[account: Jid, message: Element]>;
  /** A message was stored in the account's archive (XEP-0313). */
  readonly archived: AccountEvent<
    [
      account: Jid,
      message: { readonly id: string; readonly direction: 'incoming' | 'outgoing'; readonly stanza: Element },
    ]
  >;
  /** A client has not acknowledged in time what it was sent. */
  readonly ackDelayed: AccountEvent<[session: AccountSession, unacknowledged: readonly Element[]]>;
  /** A session lost its connection and waits for its client. */
  readonly hibernationStart: AccountEvent<[session: AccountSession, unacknowledged: readonly Element[]]>;
  /** A stanza was queued for such a session, or for one whose acknowledgement is late. */
  readonly hibernationQueued: AccountEvent<[session: AccountSession, stanza: Element]>;
  readonly hibernationEnd: AccountEvent<
    [session: AccountSession, how: 'resumed' | 'expired' | 'overflow' | 'ended']
  >;
  readonly accountRemoved: AccountEvent<[account: Jid]>;
}
