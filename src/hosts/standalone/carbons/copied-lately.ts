import type { Jid } from '../../../xmpp/jid.js';
import type { Account } from '../account.js';

/** Messages that are remembered for each account; and the length of ids, which are their senders'. */
const maxMessages = 50;
const maxIdLength = 200;

/**
 * The last messages that each account has sent and that were copied to its other devices: errors in answer to them are
 * copied too, so that those devices learn what became of them.
 */
export class CopiedLately {
  readonly #messages = new WeakMap<Account, Set<string>>();

  add(account: Account, id: string | undefined, to: Jid): void {
    if (id === undefined || id.length > maxIdLength) return;
    const messages = this.#messages.get(account) ?? new Set();
    this.#messages.set(account, messages.add(key(id, to)));
    if (messages.size <= maxMessages) return;
    for (const oldest of messages) {
      messages.delete(oldest);
      return;
    }
  }

  /** Whether an error of that id, from there, answers one of them. */
  has(account: Account, id: string | undefined, from: Jid): boolean {
    return id !== undefined && this.#messages.get(account)?.has(key(id, from)) === true;
  }
}

/** No address has a line break in it. */
const key = (id: string, jid: Jid) => `${jid}\n${id}`;
