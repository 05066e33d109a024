import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { DiscoInfo } from '../../xmpp/disco.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import type { Advertisement, IqHandler, IqRequest, IqRoute } from '../host.js';
import type { Account, Accounts } from './account.js';
import type { Delays } from './delays.js';
import type { Hooks } from './hooks.js';
import type { Session } from './session.js';
import type { StandaloneSettings } from './settings.js';
import type { StandaloneStores } from './store.js';

/** An extension that a module implements; `docs/doap.xml` says the same. */
export interface Extension {
  /** Four digits: `0199`. */
  readonly xep: string;
  /** The version of the document that was followed. */
  readonly version: string;
  readonly note?: string;
}

/** An IQ request to an account of ours, or without `to`, which is the same for the account's own sessions. */
export interface AccountIq extends IqRequest {
  readonly account: Account;
  /** The session that asks, if it is one of the account itself. */
  readonly session: Session | undefined;
}

/**
 * As `IqHandler`. Requests run side by side, and nothing is held meanwhile: what changes the account, or must not see it
 * half changed, is done in `accounts.with`.
 */
export type AccountIqHandler = (request: AccountIq) => Element | undefined | Promise<Element | undefined>;

/**
 * Whose requests to an account reach a handler: its own sessions', those of contacts that may see its presence, or
 * everybody's. Others are answered as if there were no such account.
 */
export type Audience = 'owner' | 'subscribers' | 'anyone';

/** The embedded server, as far as a module may know it. */
export interface Server {
  readonly domain: Jid;
  readonly settings: StandaloneSettings;
  readonly stores: StandaloneStores;
  readonly accounts: Accounts;
  readonly hooks: Hooks;
  readonly events: Events;
  readonly clock: Clock;
  /** The date: Unix time in milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  /** What disco#info (XEP-0030) answers for the domain. */
  advertise(advertisement: Advertisement): void;
  /** What disco#info answers for an account's bare JID. */
  advertiseAccount(advertisement: Advertisement): void;
  /** All that was advertised for accounts, for the module that answers disco#info. */
  accountInfo(): DiscoInfo;
  /** Requests to the domain. One handler for each route. */
  onDomainIq(route: IqRoute, handler: IqHandler): void;
  /** Requests to an account. One handler for each route. */
  onAccountIq(route: IqRoute, audience: Audience, handler: AccountIqHandler): void;
  /** An element in this namespace that a session sends and that is no stanza; one handler for each namespace. */
  onNonza(namespace: string, handler: (session: Session, element: Element) => void | Promise<void>): void;
  /** Adds to the stream features of clients that have authenticated. */
  offer(feature: Element): void;
  /** The time of messages that were kept (XEP-0203). */
  readonly delays: Delays;
  /** Messages and requests that were kept for an account, as sessions were given them out of the store. */
  readonly handedOut: Pick<WeakSet<Element>, 'add' | 'has'>;
  /** Whether the session has lost its connection and waits for its client (XEP-0198). */
  isHibernating(session: Session): boolean;
  /** Lets the session wait so many seconds more for its client, from now on; false if it does not hibernate. */
  extendHibernation(session: Session, seconds: number): boolean;
  /** Lets the session wait, from now on, as long as it would have waited without that; false if it does not hibernate. */
  endExtension(session: Session): boolean;
  /** Clients that were asked what they have handled (XEP-0198), and have said nothing for a second, are late from now on. */
  takeSilentForLate(): void;
  /** Takes over a domain of this server, until what is returned is called; undefined if it is taken. */
  attach(domain: Jid, take: (stanza: Element) => void | Promise<void>): (() => void) | undefined;
  /** Whether stanzas for a domain stay at this server. */
  isLocal(domain: string): boolean;
  /**
   * Sends a stanza that has valid, prepared `from` and `to`, wherever that is: a session, an account, the domain, another
   * server. Errors come back to `from` as stanzas; the promise, if any, never rejects.
   */
  route(stanza: Element): void | Promise<void>;
}

/** One file per extension: what it implements, and how it joins the server. */
export interface ServerModule {
  readonly name: string;
  readonly implements: readonly Extension[];
  setup(server: Server): void;
}
