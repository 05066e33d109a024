import type { Element } from '../../../xmpp/element.js';
import { bareOf, Jid } from '../../../xmpp/jid.js';
import { presence } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { parseStored } from '../../../xmpp/stored-xml.js';
import type { Account } from '../account.js';
import type { Server } from '../module.js';
import type { Session } from '../session.js';
import type { StoredContact } from '../store.js';
import { isSeen, seesUser } from './contact.js';
import { Outbox, unavailable } from './outbox.js';
import { priorityOf } from './presence-stanza.js';

/** Addresses that a session's directed presence is remembered for; beyond them it is refused. */
const maxDirected = 1_000;

/** Availability of sessions and who hears of it (RFC 6121 §4.2, §4.4, §4.5, §4.6). */
export class Availability {
  readonly #server: Server;
  /** Contacts that answered a session's presence with an error: they get no more of it until it begins anew. */
  readonly #unreachable = new WeakMap<Session, Set<string>>();
  readonly #localSuffix: string;

  constructor(server: Server) {
    this.#server = server;
    this.#localSuffix = `@${server.domain}`;
    server.hooks.incoming.on((account, stanza, from) => {
      if (stanza.name === 'presence' && stanza.attr('type') === 'error')
        this.#noteError(account, stanza, from);
      return undefined;
    });
  }

  /**
   * Initial or changed presence.
   * @throws {StanzaError} `bad-request` for a priority that is none
   */
  available(session: Session, stanza: Element): void | Promise<void> {
    const priority = priorityOf(stanza);
    const isInitial = !session.isAvailable;
    const isReceptive = priority >= 0 && session.priority < 0;
    session.presence = stanza;
    session.priority = priority;
    if (isInitial) this.#unreachable.delete(session);
    const outbox = new Outbox(this.#server);
    this.#tellEverybody(session, stanza, outbox);
    if (isInitial) this.#welcome(session, outbox);
    else if (!isReceptive) return outbox.settled();
    // At once: messages that were kept go before those that come from now on.
    const heard = this.#server.hooks.sessionAvailable.run(session);
    const pending = outbox.settled();
    return pending === undefined ? heard : pending.then(() => heard);
  }

  /** Unavailable presence that the client sent, which sees it come back (RFC 6121 §4.5.2). */
  unavailable(session: Session, stanza: Element): void | Promise<void> {
    if (session.isAvailable) session.send(stanza.withAttrs({ to: session.jid.toString() }));
    return this.#leave(session, stanza);
  }

  /** The session has ended without a word. */
  gone(session: Session): void | Promise<void> {
    return this.#leave(session, unavailable(session));
  }

  /** The session's account is about to be removed, and its contacts have been told already. */
  leaveForEver(session: Session, outbox: Outbox): void {
    this.#tellDirected(session, unavailable(session), session.isAvailable, outbox);
    session.presence = undefined;
    session.priority = 0;
  }

  /**
   * Directed available presence: remembered, unless a broadcast reaches whom it is for (RFC 6121 §4.6.3).
   * @throws {StanzaError} `resource-constraint` if too much is remembered
   */
  directed(session: Session, to: Jid): void {
    if (session.isAvailable && isReached(session.account, to.bare().toString())) return;
    const { directed } = session;
    if (directed.size >= maxDirected && !directed.has(to.toString())) {
      throw new StanzaError(
        'resource-constraint',
        `Directed presence goes to at most ${maxDirected} addresses.`,
      );
    }
    directed.add(to.toString());
  }

  #leave(session: Session, stanza: Element): void | Promise<void> {
    const outbox = new Outbox(this.#server);
    const wasAvailable = session.isAvailable;
    session.presence = undefined;
    session.priority = 0;
    if (wasAvailable) this.#tellEverybody(session, stanza, outbox);
    this.#tellDirected(session, stanza, wasAvailable, outbox);
    return outbox.settled();
  }

  #tellDirected(session: Session, stanza: Element, wasAvailable: boolean, outbox: Outbox): void {
    for (const to of session.directed) {
      const isToldAlready = wasAvailable && isReached(session.account, bareOf(to));
      if (!isToldAlready) outbox.tell(session, stanza, to);
    }
    session.directed.clear();
  }

  /** To the account's own available sessions, itself too, and to all contacts that may see it (RFC 6121 §4.2.2). */
  #tellEverybody(session: Session, stanza: Element, outbox: Outbox): void {
    for (const own of session.account.sessions.values()) {
      if (own.isAvailable) own.send(stanza.withAttrs({ to: own.jid.toString() }));
    }
    const unreachable = this.#unreachable.get(session);
    for (const contact of session.account.contacts.values()) {
      if (!seesUser(contact) || unreachable?.has(contact.jid) === true) continue;
      if (!this.#isAbsent(contact)) outbox.tell(session, stanza, contact.jid);
    }
  }

  /** What a newcomer has to know: who else is there and who waits for an answer (RFC 6121 §3.1.3, §4.2.2). */
  #welcome(session: Session, outbox: Outbox): void {
    const { account, jid } = session;
    const to = jid.toString();
    for (const own of account.sessions.values()) {
      if (own !== session && own.presence !== undefined) session.send(own.presence.withAttrs({ to }));
    }
    const probe = presence({ type: 'probe', from: to });
    for (const contact of account.contacts.values()) {
      if (isSeen(contact) && !this.#isAbsent(contact)) outbox.tell(session, probe, contact.jid);
      if (contact.pendingIn !== undefined) this.#deliverRequest(session, parseStored(contact.pendingIn));
    }
  }

  /** A request waits on, unheard, while its sender is blocked. */
  #deliverRequest(session: Session, request: Element): void {
    const from = Jid.tryParse(request.attr('from'));
    if (from === undefined) return;
    if (this.#server.hooks.incoming.ask(session.account, request, from) !== undefined) return;
    this.#server.handedOut.add(request);
    session.send(request);
  }

  /**
   * Whether it is known that nobody is there to hear: an account of ours without an available session. Thereby neither a
   * broadcast nor the probes of a newcomer read accounts from the store. If it is just about to come, its own presence and
   * its probes are still to come too.
   */
  #isAbsent({ jid }: StoredContact): boolean {
    if (!jid.endsWith(this.#localSuffix)) return false;
    const account = this.#server.accounts.loaded(jid);
    return account === undefined || !hasAvailableSession(account);
  }

  /** RFC 6121 §4.4.2: whom presence does not reach is not sent more of it. */
  #noteError(account: Account, stanza: Element, from: Jid): void {
    const session = sessionNamed(account, stanza.attr('to') ?? '');
    if (session === undefined || !account.contacts.has(from.toString())) return;
    const noted = this.#unreachable.get(session) ?? new Set();
    this.#unreachable.set(session, noted.add(from.toString()));
  }
}

/** Whether a broadcast by the account's sessions reaches a bare JID. */
function isReached(account: Account, bareJid: string): boolean {
  return bareJid === account.jid.toString() || seesUser(account.contacts.get(bareJid));
}

function hasAvailableSession(account: Account): boolean {
  for (const session of account.sessions.values()) if (session.isAvailable) return true;
  return false;
}

function sessionNamed(account: Account, jid: string): Session | undefined {
  const slash = jid.indexOf('/');
  return slash === -1 ? undefined : account.sessions.get(jid.slice(slash + 1));
}
