import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { serialize } from '../../../xmpp/serialize.js';
import { presence } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Account } from '../account.js';
import type { Server } from '../module.js';
import { quietly } from '../quietly.js';
import type { Session } from '../session.js';
import type { StoredContact } from '../store.js';
import { inState, seesUser, stateOf } from './contact.js';
import { Outbox } from './outbox.js';
import { checkRoom, type Roster } from './roster.js';
import { inboundStep, outboundStep, type SubscriptionState, type SubscriptionType } from './subscription.js';

/** Requests of strangers that may wait for an account's answer; more are refused. */
const maxPendingRequests = 1_000;

/** Bytes of a request that is kept with all that is in it; of a longer one is kept that it was made. */
const maxRequestBytes = 4_096;

type Surroundings = Pick<Server, 'accounts' | 'events' | 'hooks' | 'route'>;

/**
 * Subscriptions (RFC 6121 §3) on both sides: what clients send and what arrives for them. Each stanza is work on the one
 * account; what it causes is sent in the middle of that work, so that nothing overtakes it.
 */
export class Subscriptions {
  readonly #server: Surroundings;
  readonly #roster: Roster;

  constructor(server: Surroundings, roster: Roster) {
    this.#server = server;
    this.#roster = roster;
  }

  /**
   * A client asks for, grants or ends a subscription; between an account and itself nothing happens. Rejects with a
   * `StanzaError` `resource-constraint` if the roster is full, or with the database's error.
   */
  async outbound(session: Session, type: SubscriptionType, stanza: Element, to: Jid): Promise<void> {
    const own = session.account.jid;
    const contact = to.bare();
    if (contact.equals(own)) return;
    const outbox = new Outbox(this.#server);
    const addressed = stanza.withAttrs({ from: own.toString(), to: contact.toString() });
    await this.#server.accounts.with(own, (account) =>
      account === undefined ? undefined : this.#send(account, type, addressed, contact.toString(), outbox),
    );
    await outbox.settled();
  }

  async #send(
    account: Account,
    type: SubscriptionType,
    stanza: Element,
    jid: string,
    outbox: Outbox,
  ): Promise<void> {
    const before = account.contacts.get(jid);
    const state = stateOf(before);
    const step = outboundStep(type, state);
    if (step.state !== state) await this.#save(account, jid, step.state, '');
    const after = account.contacts.get(jid);
    // Before `unsubscribed`, while the contact still takes it for presence that it may see (RFC 6121 §3.2.2).
    if (seesUser(before) && !seesUser(after)) outbox.tellUnavailable(account, jid);
    if (step.isRouted) outbox.send(stanza);
    this.#pushChange(account, jid, before);
    if (!seesUser(before) && seesUser(after)) outbox.tellAvailable(account, jid);
  }

  /**
   * A contact asks for, grants or ends a subscription. To be called while nobody else works on the account; does not wait
   * for what it sends, which may be for an account that waits for this one. Rejects as `outbound` does.
   */
  async inbound(account: Account, type: SubscriptionType, stanza: Element, from: Jid): Promise<void> {
    const own = account.jid.toString();
    const jid = from.bare().toString();
    if (jid === own) return;
    const addressed = stanza.withAttrs({ from: jid, to: own });
    const before = account.contacts.get(jid);
    const state = stateOf(before);
    const step = inboundStep(type, state);
    if (step.state !== state) await this.#save(account, jid, step.state, requestText(addressed));
    if (step.isDelivered) {
      deliver(account, type, addressed);
      if (type === 'subscribe') this.#tellRequest(account, addressed);
    }
    this.#pushChange(account, jid, before);
    this.#react(account, jid, before, step.isAnswered);
  }

  /** Whoever listens has no part in what becomes of the request. */
  #tellRequest(account: Account, stanza: Element): void {
    const { events, hooks } = this.#server;
    void quietly(events, 'request for a subscription', () =>
      hooks.subscriptionRequested.run(account, stanza),
    );
  }

  /** What the contact learns because of what it sent. */
  #react(account: Account, jid: string, before: StoredContact | undefined, isAnswered: boolean): void {
    const outbox = new Outbox(this.#server);
    if (seesUser(before) && !seesUser(account.contacts.get(jid))) outbox.tellUnavailable(account, jid);
    if (!isAnswered) return;
    outbox.send(presence({ type: 'subscribed', from: account.jid.toString(), to: jid }));
    outbox.tellAvailable(account, jid);
  }

  async #save(account: Account, jid: string, state: SubscriptionState, request: string): Promise<void> {
    const before = account.contacts.get(jid);
    const after = inState(before, jid, state, request);
    if (after === undefined) return this.#roster.remove(account, jid);
    if (after.isListed) checkRoom(account, after);
    else if (before === undefined) checkPending(account);
    await this.#roster.put(account, after);
  }

  #pushChange(account: Account, jid: string, before: StoredContact | undefined): void {
    if (looks(before) !== looks(account.contacts.get(jid))) this.#roster.push(account, jid);
  }
}

/** What clients can see of a contact and a subscription may change. */
function looks(contact: StoredContact | undefined): string {
  if (contact?.isListed !== true) return '';
  return `${contact.subscription} ${contact.ask} ${contact.approved}`;
}

/** Requests go to who is there, the rest to those who know the roster (RFC 6121 §3.1.3, §3.1.6, §3.2.3, §3.3.3). */
function deliver(account: Account, type: SubscriptionType, stanza: Element): void {
  for (const session of account.sessions.values()) {
    if (type === 'subscribe' ? session.isAvailable : session.isInterested) session.send(stanza);
  }
}

function requestText(stanza: Element): string {
  const text = serialize(stanza);
  return Buffer.byteLength(text) <= maxRequestBytes ? text : serialize(stanza.withChildren([]));
}

function checkPending({ contacts }: Account): void {
  const pending = [...contacts.values()].filter(({ pendingIn }) => pendingIn !== undefined);
  if (pending.length < maxPendingRequests) return;
  throw new StanzaError('resource-constraint', 'Too many requests wait for an answer.');
}
