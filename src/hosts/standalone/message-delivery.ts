import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account } from './account.js';
import type { AccountCache } from './account-cache.js';
import type { Archiving, Recorded } from './archive/archiving.js';
import { CarbonCopies, type Holder } from './carbons/carbon-copies.js';
import { Copies } from './copies.js';
import type { Delays } from './delays.js';
import type { Hooks } from './hooks.js';
import { judgeIncoming } from './judge.js';
import { messageFates, takesMessages } from './message-routing.js';
import { quietly } from './quietly.js';
import type { Session } from './session.js';
import { hasIdBy, withoutIdsBy } from './stanza-ids.js';

export interface MessageDeliveryOptions {
  readonly accounts: AccountCache;
  readonly hooks: Pick<Hooks, 'incoming' | 'offlineMessage' | 'received' | 'roomMessage'>;
  readonly events: Pick<Events, 'handlerFailed'>;
  readonly archiving: () => Archiving;
  readonly delays: Delays;
}

/** Nothing if the message is where it should be, or what goes back to its sender instead. */
type Placed = StanzaError | undefined;

/** A message on its way into an account of ours, or to nobody of that name. */
interface Incoming {
  /** As the archive has made it. */
  readonly stanza: Element;
  readonly to: Jid;
  /** Undefined if it comes back from a session: what copies there should be were sent the first time. */
  readonly from: Jid | undefined;
  /** Whether the archive has it; undefined if it does not keep it. */
  readonly written: Promise<boolean> | undefined;
}

const isWritten = Promise.resolve(true);
const noCarbons: readonly Element[] = [];

/**
 * Brings messages to the sessions of accounts, or to what keeps them until there is one.
 *
 * The archive (XEP-0313) of an account has what the account received and sent:
 * - What is refused at the door (by a module, or because RFC 6121 returns it whoever is there) was not received, and is
 *   not recorded.
 * - What the archive keeps has arrived, even if no session takes it and the offline store has no room: it does not go back
 *   to its sender, who would hear of a failure that its recipient does not see.
 * - What an account has sent stays in its own archive even if it comes back: its devices are told by the error, as if that
 *   came from far away.
 * - What an account sends to itself is recorded once, as received.
 * - What a session gives back was recorded when it came, and is not recorded again.
 *
 * Promises are done when what they are about is on disk, as far as it is kept; delivery waits for no disk.
 */
export class MessageDelivery {
  readonly #options: MessageDeliveryOptions;
  readonly #accounts: AccountCache;
  readonly #carbons = new CarbonCopies();
  readonly #copies = new Copies();
  /** Of messages that the archive has not written yet, or could not, what became of that. */
  readonly #writes = new WeakMap<Element, Promise<boolean>>();

  constructor(options: MessageDeliveryOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
  }

  /** Delivers a message to an account's bare JID or to a full JID of it; whether there is such an account or not. */
  deliver(stanza: Element, from: Jid, to: Jid): Placed | Promise<Placed> {
    const session = this.#sessionOf(to);
    // What waits for the account already is not overtaken.
    if (session === undefined || this.#accounts.isBusy(session.account.jid)) {
      return this.#inLine(stanza, from, to);
    }
    return this.#receive(session.account, session, stanza, from, to);
  }

  /** Records what a session sends to somebody else and copies it to the account's other devices. Returns what goes on. */
  send(session: Session, stanza: Element, to: Jid): Recorded {
    const { account } = session;
    const recorded = this.#options.archiving().record(account, stanza, 'outgoing', to);
    if (account.sessions.size > 1) {
      const original = {
        direction: 'outgoing',
        stanza: recorded.stanza,
        other: to,
        holder: session,
      } as const;
      this.#copies.forget(this.#carbons.send(account, original));
    }
    if (recorded.stanza === stanza) return recorded;
    return { stanza: withoutIdsBy(stanza, account.jid), written: recorded.written };
  }

  /**
   * Takes back what a session was given and did not get. Returns the message that is to be delivered again, which is never
   * a copy of it; undefined if another session has it too, or may have it yet.
   */
  takeBack(stanza: Element): Element | undefined {
    const { delays } = this.#options;
    const given = this.#copies.has(stanza) ? stanza : delays.source(stanza);
    const original = this.#copies.takeBack(given);
    if (original === undefined) return undefined;
    return original === given ? stanza : delays.stampLike(original, stanza);
  }

  /**
   * Delivers a message that was taken back: as if the session had not been there from the beginning. To be called while
   * nobody else works on the account.
   */
  redeliver(account: Account | undefined, stanza: Element, to: Jid): Placed | Promise<Placed> {
    if (account !== undefined && this.#sessionOf(to)?.send(stanza) === true) return undefined;
    const isKept = account !== undefined && hasIdBy(stanza, account.jid);
    const written = isKept ? this.#writtenOf(stanza) : undefined;
    return this.#place(account, { stanza, to, from: undefined, written });
  }

  #writtenOf(stanza: Element): Promise<boolean> {
    return this.#writes.get(this.#options.delays.source(stanza)) ?? isWritten;
  }

  /** Done when it is known whether the message is in the archive. */
  async #follow(stanza: Element, written: Promise<boolean>): Promise<undefined> {
    this.#writes.set(stanza, written);
    if (await written) this.#writes.delete(stanza);
  }

  #sessionOf(to: Jid): Session | undefined {
    return to.isFull ? this.#accounts.session(to.toString()) : undefined;
  }

  /** Nothing is held while the disk is waited for: who keeps messages keeps them in the order in which they come. */
  #inLine(stanza: Element, from: Jid, to: Jid): Placed | Promise<Placed> {
    let placed: Placed | Promise<Placed>;
    const begun = this.#accounts.with(to.bare(), (account) => {
      placed = this.#receive(account, this.#sessionOf(to), stanza, from, to);
    });
    return begun instanceof Promise ? begun.then(() => placed) : placed;
  }

  #receive(
    account: Account | undefined,
    session: Session | undefined,
    stanza: Element,
    from: Jid,
    to: Jid,
  ): Placed | Promise<Placed> {
    if (account === undefined) return this.#place(account, { stanza, to, from, written: undefined });
    const verdict = judgeIncoming(this.#options.hooks, account, stanza, from);
    if (verdict !== undefined) return verdict === 'drop' ? undefined : verdict;
    if (session === undefined && fatesOf({ stanza, to, written: undefined })[0] === 'return')
      return this.#refuse(account, { stanza, to, from, written: undefined });
    const recorded = this.#options.archiving().record(account, stanza, 'incoming', from);
    const { written } = recorded;
    const known = written && this.#follow(recorded.stanza, written);
    this.#tellReceived(account, recorded.stanza);
    if (session?.send(recorded.stanza) === true) {
      if (account.sessions.size > 1) this.#copy(account, recorded.stanza, from, 1, session);
      return known;
    }
    const placed = this.#place(account, { stanza: recorded.stanza, to, from, written });
    return known === undefined ? placed : Promise.all([placed, known]).then(first);
  }

  #place(account: Account | undefined, message: Incoming): Placed | Promise<Placed> {
    const [taken, notTaken] = fatesOf(message);
    if (taken === 'deliver') {
      if (notTaken === 'offline' && isCatchingUp(account)) return this.#keepBehind(account, message);
      if (this.#giveToAll(account, message)) return undefined;
    }
    if (notTaken === 'return') return this.#refuse(account, message);
    this.#copyWhatIsKept(account, message, 'nobody');
    return notTaken === 'offline' ? this.#offer(account, message) : undefined;
  }

  /** Gives it to every session that takes messages, and copies to the others; false if none could take it. */
  #giveToAll(account: Account | undefined, { stanza, from }: Incoming): boolean {
    if (account === undefined) return false;
    const takers = sendToAll(account, stanza);
    if (takers === 0) return false;
    if (account.sessions.size > 1) this.#copy(account, stanza, from, takers, 'takers');
    return true;
  }

  /** Copies what no session takes itself. The one that has it besides is the store that keeps it, if anybody does. */
  #copyWhatIsKept(account: Account | undefined, { stanza, from }: Incoming, holder: Holder): void {
    if (account !== undefined && account.sessions.size > 0) this.#copy(account, stanza, from, 1, holder);
  }

  /** Sends copies of a message that so many have already. */
  #copy(account: Account, stanza: Element, from: Jid | undefined, others: number, holder: Holder): void {
    const carbons =
      from === undefined
        ? noCarbons
        : this.#carbons.send(account, { direction: 'incoming', stanza, other: from, holder });
    this.#copies.share(stanza, carbons, others);
  }

  #offer(account: Account | undefined, message: Incoming): Placed | Promise<Placed> {
    const answer = this.#options.hooks.offlineMessage.ask(account, message.stanza);
    return answer instanceof Promise
      ? answer.then((later) => this.#settle(account, later, message))
      : this.#settle(account, answer, message);
  }

  #settle(account: Account | undefined, answer: OfflineAnswer, message: Incoming): Placed | Promise<Placed> {
    if (answer === 'stored' || answer === 'dropped') return undefined;
    const isWithNobody = this.#copies.takeBack(message.stanza) !== undefined;
    return isWithNobody ? this.#refuse(account, message) : undefined;
  }

  #refuse(account: Account | undefined, { stanza, to, written }: Incoming): Placed | Promise<Placed> {
    if (account !== undefined && stanza.attr('type') === 'groupchat') this.#tellRoomMessage(to, stanza);
    return written === undefined ? unavailable() : written.then((is) => (is ? undefined : unavailable()));
  }

  /** Whoever listens has no part in what becomes of the message. */
  #tellReceived(account: Account, stanza: Element): void {
    const { events, hooks } = this.#options;
    void quietly(events, 'received message', () => hooks.received.run(account, stanza));
  }

  #tellRoomMessage(to: Jid, stanza: Element): void {
    const { events, hooks } = this.#options;
    void quietly(events, 'message of a room', () => hooks.roomMessage.run(to, stanza));
  }

  /** Keeps a message behind those that are just handed over; if it is not kept, it overtakes them rather than being lost. */
  async #keepBehind(account: Account | undefined, message: Incoming): Promise<Placed> {
    this.#copyWhatIsKept(account, message, 'takers');
    const answer = await this.#options.hooks.offlineMessage.ask(account, message.stanza);
    if (answer === 'stored') return undefined;
    const takers = account === undefined ? 0 : sendToAll(account, message.stanza);
    if (takers === 0) return this.#settle(account, answer, message);
    this.#copies.takeBack(message.stanza);
    this.#copies.share(message.stanza, noCarbons, takers);
    return undefined;
  }
}

type OfflineAnswer = 'stored' | 'dropped' | 'refused' | undefined;

const unavailable = () => new StanzaError('service-unavailable');
const first = ([placed]: readonly [Placed, unknown]) => placed;

/**
 * Of a full JID that is a session's nobody asks. What the archive keeps is not returned: if it was for a session that did not
 * get it, it is for the account, or devices that do not ask the archive would never see it.
 */
function fatesOf({ stanza, to, written }: Pick<Incoming, 'stanza' | 'to' | 'written'>) {
  const isForAbsent = to.isFull && written === undefined;
  return messageFates(stanza.attr('type'), isForAbsent ? 'absent-resource' : 'account');
}

/** Sends to every session that takes messages; answers how many could. One that refused before does so again. */
function sendToAll(account: Account, stanza: Element): number {
  let takers = 0;
  for (const session of account.sessions.values()) {
    if (takesMessages(session) && session.send(stanza)) takers++;
  }
  return takers;
}

/** Whether all sessions that would take a message for the account are busy with older ones. */
function isCatchingUp(account: Account | undefined): boolean {
  if (account === undefined) return false;
  let isBusy = false;
  for (const session of account.sessions.values()) {
    if (!takesMessages(session)) continue;
    if (!session.isCatchingUp) return false;
    isBusy = true;
  }
  return isBusy;
}
