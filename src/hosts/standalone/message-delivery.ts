import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account } from './account.js';
import type { AccountCache } from './account-cache.js';
import type { Archiving } from './archive/archiving.js';
import type { Hooks } from './hooks.js';
import { judgeIncoming } from './judge.js';
import { messageFate, takesMessages } from './message-routing.js';

export interface MessageDeliveryOptions {
  readonly accounts: AccountCache;
  readonly hooks: Pick<Hooks, 'incoming' | 'offlineMessage'>;
  readonly archiving: () => Archiving;
}

/** Nothing if the message is where it should be, or what goes back to its sender instead. */
type Placed = StanzaError | undefined;

/** A message on its way to an account of ours, or to nobody of that name. */
interface Letter {
  readonly stanza: Element;
  readonly to: Jid;
  /** Who is to be judged; undefined if it has been. */
  readonly from: Jid | undefined;
}

/** Brings messages to the sessions of accounts, or to what keeps them until there is one. */
export class MessageDelivery {
  readonly #options: MessageDeliveryOptions;
  readonly #accounts: AccountCache;
  /** Of messages that went to several sessions, how many of them may still have it. */
  readonly #copies = new WeakMap<Element, number>();

  constructor(options: MessageDeliveryOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
  }

  /** Delivers a message to an account's bare JID or to a full JID of it; whether there is such an account or not. */
  deliver(stanza: Element, from: Jid, to: Jid): Placed | Promise<Placed> {
    const session = to.isFull ? this.#accounts.session(to.toString()) : undefined;
    if (session === undefined) return this.#toAccount({ stanza, to, from });
    const verdict = judgeIncoming(this.#options.hooks, session.account, stanza, from);
    if (verdict !== undefined) return verdict === 'drop' ? undefined : verdict;
    if (session.send(stanza)) return undefined;
    return this.#toAccount({ stanza, to, from: undefined });
  }

  /**
   * Delivers a message that a session, which has left, was given and did not get: as if the session had not been there from
   * the beginning. What another session got too is done with. To be called while nobody else works on the account.
   */
  redeliver(account: Account | undefined, stanza: Element, to: Jid): Placed | Promise<Placed> {
    if (this.#mayBeElsewhere(stanza)) return undefined;
    const successor = to.isFull ? this.#accounts.session(to.toString()) : undefined;
    if (successor?.send(stanza) === true) return undefined;
    return this.#place(account, { stanza, to, from: undefined });
  }

  #toAccount(letter: Letter): Placed | Promise<Placed> {
    return this.#accounts.with(letter.to.bare(), (account) => this.#place(account, letter));
  }

  #place(account: Account | undefined, letter: Letter): Placed | Promise<Placed> {
    const { stanza, from, to } = letter;
    if (account !== undefined && from !== undefined) {
      const verdict = judgeIncoming(this.#options.hooks, account, stanza, from);
      if (verdict !== undefined) return verdict === 'drop' ? undefined : verdict;
    }
    const type = stanza.attr('type');
    const address = to.isFull ? 'absent-resource' : 'account';
    const fate = messageFate(type, address, false);
    if (messageFate(type, address, true) === 'deliver') {
      if (fate === 'offline' && isCatchingUp(account)) return this.#keepBehind(account, stanza);
      if (this.#sendToAll(account, stanza)) return undefined;
    }
    if (fate === 'offline') return this.#offer(account, stanza);
    return fate === 'return' ? new StanzaError('service-unavailable') : undefined;
  }

  /** Sends to every session that takes messages; false if none could. One that refused before does so again. */
  #sendToAll(account: Account | undefined, stanza: Element): boolean {
    if (account === undefined) return false;
    let copies = 0;
    for (const session of account.sessions.values()) {
      if (takesMessages(session) && session.send(stanza)) copies++;
    }
    if (copies > 1) this.#copies.set(stanza, copies);
    return copies > 0;
  }

  #offer(account: Account | undefined, stanza: Element): Placed | Promise<Placed> {
    const answer = this.#options.hooks.offlineMessage.ask(account, stanza);
    return answer instanceof Promise ? answer.then(placed) : placed(answer);
  }

  /** Keeps a message behind those that are just handed over; if it is not kept, it overtakes them rather than being lost. */
  async #keepBehind(account: Account | undefined, stanza: Element): Promise<Placed> {
    const answer = await this.#options.hooks.offlineMessage.ask(account, stanza);
    return answer === 'stored' || this.#sendToAll(account, stanza) ? undefined : placed(answer);
  }

  #mayBeElsewhere(stanza: Element): boolean {
    const others = (this.#copies.get(stanza) ?? 1) - 1;
    if (others === 0) this.#copies.delete(stanza);
    else this.#copies.set(stanza, others);
    return others > 0;
  }
}

/** Whether all sessions that would take a message for the account are busy with older ones. */
function isCatchingUp(account: Account | undefined): boolean {
  if (account === undefined) return false;
  const takers = [...account.sessions.values()].filter(takesMessages);
  return takers.length > 0 && takers.every((session) => session.isCatchingUp);
}

function placed(answer: 'stored' | 'dropped' | 'refused' | undefined): Placed {
  return answer === 'stored' || answer === 'dropped' ? undefined : new StanzaError('service-unavailable');
}
