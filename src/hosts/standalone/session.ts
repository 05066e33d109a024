import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import type { StreamError } from '../../xmpp/stream-error.js';
import type { Account, AccountIdentity } from './account.js';

/** A session's connection, as the server sees it. */
export interface SessionLink {
  /** How it came in, for the log. */
  readonly transport: 'starttls' | 'direct-tls' | 'websocket' | 'plain';
  /** The language of the stream's header, which its stanzas have if they do not say (RFC 6120 §4.7.4). */
  readonly lang: string | undefined;
  /**
   * Writes a stanza, serialized in `jabber:client`. What was taken and has not left when the link ends, messages that came
   * while it ended among it, is handed to `Entrance.unbind`. False if the stanza was not taken: the connection is closed,
   * or its buffer is full, and then the link ends by itself.
   */
  send(stanza: Element): boolean;
  /**
   * Resolves when all that was sent has left: who has much to send waits for that now and then, so that nothing
   * overflows. False when the link ends before.
   */
  written(): Promise<boolean>;
  /**
   * Resolves when the client has acknowledged all that was sent so far, on whatever connection; false when the session is
   * over before. Where nothing is acknowledged, what has left has to do.
   */
  arrived?(): Promise<boolean>;
  /**
   * Writes an element that is no stanza, or one that somebody else keeps: it is not given back if the link ends. If its
   * buffer is full, the link ends by itself.
   */
  write(element: Element): void;
  /** Writes what waits, then the error if there is one, then closes. */
  end(error?: StreamError): void;
}

/** What stands between a session and its link, and may hold stanzas back for a while (XEP-0352). */
export interface Filter {
  /** As `SessionLink.send`. */
  send(stanza: Element): boolean;
  /** Gives back what it holds, in order, when the session is over; it holds nothing from then on. */
  takeHeld(): readonly Element[];
}

/** A bound resource of an account (RFC 6120 §7) while it is connected. */
export class Session {
  readonly account: Account;
  /** The full JID. */
  readonly jid: Jid;
  /** The connection; replaced by stream management alone, which outlives connections. */
  link: SessionLink;
  /** Set while the client is inactive. */
  filter: Filter | undefined;
  /** The client gets copies of its account's other chats (XEP-0280). */
  wantsCarbons = false;
  /** Its last available presence, with `from`; undefined while it is not available (RFC 6121 §4.2). */
  presence: Element | undefined;
  /** Of its presence, -128 to 127 (RFC 6121 §4.7.2.3); means nothing while it is not available. */
  priority = 0;
  /** It is being handed messages that were kept; newer ones belong behind those. */
  isCatchingUp = false;
  /** It has asked for the roster and gets roster pushes (RFC 6121 §2.2). */
  isInterested = false;
  /** To whom it has sent directed available presence that no broadcast unavailable would reach (RFC 6121 §4.6). */
  readonly directed = new Set<string>();

  constructor(account: Account, jid: Jid, link: SessionLink) {
    this.account = account;
    this.jid = jid;
    this.link = link;
  }

  get isAvailable(): boolean {
    return this.presence !== undefined;
  }

  /** Sends to the client; false if it could not be taken. */
  send(stanza: Element): boolean {
    return this.filter === undefined ? this.link.send(stanza) : this.filter.send(stanza);
  }
}

/** The door between connections and the server: all that a connection may do once it has authenticated. */
export interface Entrance {
  /** Stream features for clients that have authenticated, beside those of RFC 6120. */
  readonly features: readonly Element[];
  /**
   * Binds a resource (RFC 6120 §7.6, §7.7): the one asked for, or a made one. An older session of the same resource is
   * ended with the stream error `conflict`.
   * @throws {StanzaError} `resource-constraint` beyond the sessions an account may have, `bad-request` for an invalid
   *   resource, `item-not-found` if the account has gone, whether another one has its name or not
   */
  bind(account: AccountIdentity, resource: string | undefined, link: SessionLink): Promise<Session>;
  /**
   * Takes up a session of the account in another connection, as the client asks (XEP-0198 §5), and writes the answer to
   * `link`. Undefined if there is none to take up, and the client may bind a resource, or if yet another connection has
   * taken it, and this one has been ended.
   * @throws {StreamError} (as rejection) if the client acknowledges what it was never sent
   */
  resume(account: AccountIdentity, request: Element, link: SessionLink): Promise<Session | undefined>;
  /**
   * Takes an element from the client, as it came: a stanza, or one of an extension that is none (XEP-0198, XEP-0352). The
   * next one may only be handed over when what this returns is done, so that order holds and what is answered later implies
   * that this was stored.
   * @throws {StreamError} that ends the stream: a `from` that is not the session's, an element that is no stanza
   */
  receive(session: Session, stanza: Element): void | Promise<void>;
  /**
   * The connection has gone; `undelivered` was given to it and has not left. Called once for each connection and session.
   * The session is over if its client has no way to resume it, or `isFinal`: the stream did not just break, but was ended.
   */
  unbind(
    session: Session,
    link: SessionLink,
    undelivered: readonly Element[],
    isFinal: boolean,
  ): void | Promise<void>;
}
