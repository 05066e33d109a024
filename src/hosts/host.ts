import type { DataForm } from '../xmpp/data-form.js';
import type { DiscoInfo, DiscoItem, Identity } from '../xmpp/disco.js';
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

/** Which messages a handler wants: those with such a child. */
export type MessageRoute = Pick<IqRoute, 'ns' | 'name'>;

/** A message that was sent to the host's domain itself, for whoever handles the child that it has. */
export interface ReceivedMessage {
  readonly from: Jid;
  readonly to: Jid;
  readonly payload: Element;
}

/** What it throws, or rejects with, goes back to the sender as an error if it is a `StanzaError`, as for an `IqHandler`. */
export type MessageHandler = (message: ReceivedMessage) => void | Promise<void>;

/** Presence that somebody sent to the host's domain itself. Types other than these two do not reach a service. */
export interface DirectedPresence {
  readonly from: Jid;
  readonly available: boolean;
}

/** A node of an entity: what disco#info and disco#items answer for it. */
export interface DiscoNode {
  readonly node: string;
  readonly info: Omit<DiscoInfo, 'node'>;
  readonly items: readonly DiscoItem[];
}

/** What disco#info and disco#items (XEP-0030) answer for the host's domain beyond what the host itself offers. */
export interface Advertisement {
  readonly features?: readonly string[];
  readonly identities?: readonly Identity[];
  /** XEP-0128 result forms. */
  readonly forms?: readonly DataForm[];
  /** Further entities of the same server. */
  readonly items?: readonly DiscoItem[];
  /** What there is to be known of nodes of the domain (XEP-0030 §3.2). Others do not exist. */
  readonly nodes?: readonly DiscoNode[];
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
  /**
   * Registers the one handler of messages with such a child; a second one throws. Messages that nobody wants are answered
   * `service-unavailable`; errors are not handed on.
   */
  onMessage(route: MessageRoute, handler: MessageHandler): void;
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
  /** Its last available presence; undefined while it is not available. */
  readonly presence: Element | undefined;
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
  /** Lets a session without connection wait as long as it would without an extension, from now; false if it is none. */
  endExtension(session: AccountSession): boolean;
  /** Clients that have not acknowledged for a second what they were sent are late from now on (`ackDelayed`). */
  takeSilentForLate(): void;
  /**
   * The message that a stanza is a copy of, or carries: of a carbon (XEP-0280), or of one that was stamped because it came
   * late. It is the same object in all events about it, as long as the message is in memory. Other stanzas are their own.
   */
  originalOf(stanza: Element): Element;
  /** Whether a session of the account is in a room as that occupant (`room@service/nick`), as far as its presence tells. */
  isOccupant(user: Jid, occupant: string): boolean;
  /**
   * Whether there is a subscription between the two, in any direction; also a request of the account's. At once if the
   * account is in memory; never rejects: what cannot be read is a contact.
   */
  isContact(user: Jid, contact: Jid): boolean | Promise<boolean>;
  /** How many requests for the account's presence wait for an answer; as far as that can be read. Never rejects. */
  pendingSubscriptions(user: Jid): number | Promise<number>;
  /** A message has arrived for an account, and was not refused at its door. Nothing else is known of it yet. */
  readonly received: AccountEvent<[account: Jid, message: Element]>;
  /** A message was kept for an account that no session took it for; once, though it may come back into the store. */
  readonly offlineMessage: AccountEvent<[account: Jid, message: Element]>;
  /** A message was stored in the account's archive (XEP-0313). */
  readonly archived: AccountEvent<
    [
      account: Jid,
      message: { readonly id: string; readonly direction: 'incoming' | 'outgoing'; readonly stanza: Element },
    ]
  >;
  /**
   * What a room said to an account, or to a session that is no longer there: it goes back to the room, for nothing keeps it
   * (RFC 6121 §8.5.2.1.1, §8.5.3.2.1). `to` is what it was sent to, a bare or a full JID.
   */
  readonly roomMessage: AccountEvent<[to: Jid, message: Element]>;
  /** Somebody has asked for the account's presence, and nobody has answered in its name. Told once for each request. */
  readonly subscriptionRequested: AccountEvent<[account: Jid, presence: Element]>;
  /**
   * A client has not acknowledged in time what it was sent. What it was handed out of the store of `offlineMessage`, and old
   * requests for presence, are left out.
   */
  readonly ackDelayed: AccountEvent<[session: AccountSession, unacknowledged: readonly Element[]]>;
  /** A session lost its connection and waits for its client. Of what it has not acknowledged, the same is left out. */
  readonly hibernationStart: AccountEvent<[session: AccountSession, unacknowledged: readonly Element[]]>;
  /** A stanza was queued for such a session, or for one whose acknowledgement is late; the same is left out. */
  readonly hibernationQueued: AccountEvent<[session: AccountSession, stanza: Element]>;
  readonly hibernationEnd: AccountEvent<
    [session: AccountSession, how: 'resumed' | 'expired' | 'overflow' | 'ended']
  >;
  /** A session has begun: a resource was bound. */
  readonly sessionBegun: AccountEvent<[session: AccountSession]>;
  readonly accountRemoved: AccountEvent<[account: Jid]>;
}
