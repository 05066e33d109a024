import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import type { Account } from '../account.js';
import type { Server, ServerModule } from '../module.js';
import type { Session } from '../session.js';
import { accountLimits } from '../settings.js';
import { parseStored } from '../stored-xml.js';
import { isWorthKeeping } from './worth-keeping.js';

/** Messages that are read from the store at once, and about how many bytes of them are handed over at once. */
const pageSize = 20;
const pageBytes = 512 * 1024;

/** Messages for accounts that no session can take them for, kept until one can. */
export const offline: ServerModule = {
  name: 'offline',
  implements: [
    { xep: '0160', version: '1.0.1' },
    { xep: '0203', version: '2.0' },
    { xep: '0334', version: '1.0.0', note: 'store and no-store, in messages for accounts that are offline' },
  ],
  setup(server) {
    const messages = new OfflineMessages(server);
    if (server.settings.maxOfflineMessages > 0) server.advertise({ features: [ns.offline] });
    server.hooks.offlineMessage.on((account, message) => messages.keep(account, message));
    server.hooks.sessionAvailable.on((session) => messages.deliver(session));
  },
};

class OfflineMessages {
  readonly #server: Server;
  /** Sessions that wait for what was kept, behind the one that is getting it. */
  readonly #waiting = new WeakMap<Account, Session[]>();

  constructor(server: Server) {
    this.#server = server;
  }

  async keep(account: Account | undefined, message: Element): Promise<'stored' | 'dropped' | 'refused'> {
    const worth = isWorthKeeping(message);
    if (worth !== 'keep') return worth;
    const text = serialize(this.#server.delays.stamp(message, this.#server.now()));
    if (account === undefined) return this.#mayKeep(text) ? 'stored' : 'refused';
    return this.#store(account, text);
  }

  async #store(account: Account, text: string): Promise<'stored' | 'refused'> {
    try {
      const isStored = await this.#add(account, text);
      const result = isStored ? 'stored' : 'full';
      this.#server.events.offlineMessage({ jid: account.jid.toString(), result });
      return isStored ? 'stored' : 'refused';
    } catch (error) {
      this.#server.events.storageFailed({ what: 'offline message', error });
      return 'refused';
    }
  }

  /** False if there is no room for it. */
  async #add({ id }: Account, text: string): Promise<boolean> {
    if (!this.#mayKeep(text)) return false;
    return this.#server.stores.offline.add(id, text, this.#server.settings.maxOfflineMessages);
  }

  #mayKeep(text: string): boolean {
    const isKept = this.#server.settings.maxOfflineMessages > 0;
    return isKept && Buffer.byteLength(text) <= accountLimits.offlineMessageBytes;
  }

  /** Hands over what was kept to one session; to another one that comes meanwhile only if the first does not take it all. */
  async deliver(session: Session): Promise<void> {
    if (session.priority < 0) return;
    const { account } = session;
    const others = this.#waiting.get(account);
    if (others !== undefined) {
      others.push(session);
      return;
    }
    const waiting = [session];
    this.#waiting.set(account, waiting);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#deliverTo(next);
    this.#waiting.delete(account);
  }

  /**
   * The oldest come first. Nothing else reaches the account while a page is handed over; between pages, of which there is
   * mostly but one, the client has time to read, and what comes is kept behind the rest. What it does not take stays for
   * the next session.
   */
  async #deliverTo(session: Session): Promise<void> {
    const page = () => this.#server.accounts.with(session.account.jid, () => this.#deliverPage(session));
    session.isCatchingUp = true;
    try {
      while ((await page()) && (await session.link.written())) {}
    } catch (error) {
      this.#server.events.storageFailed({ what: 'offline messages', error });
    }
    session.isCatchingUp = false;
  }

  /** False if there is nothing more to deliver, or the session takes no more. */
  async #deliverPage(session: Session): Promise<boolean> {
    const { offline: store } = this.#server.stores;
    const page = await store.list(session.account.id, pageSize);
    const count = this.#handAll(session, page);
    const last = page[count - 1];
    if (last !== undefined) await store.remove(session.account.id, last.id);
    const isMore = last !== undefined && (count < page.length || page.length === pageSize);
    session.isCatchingUp = isMore;
    return isMore;
  }

  /** Answers how many of the messages are done with, beginning with the first one. */
  #handAll(session: Session, page: readonly { readonly message: string }[]): number {
    let bytes = 0;
    for (const [at, { message }] of page.entries()) {
      if (bytes >= pageBytes || !this.#hand(session, message)) return at;
      bytes += message.length;
    }
    return page.length;
  }

  #hand(session: Session, text: string): boolean {
    const message = this.#read(text);
    if (message === undefined) return true;
    this.#server.delays.trust(message);
    return session.send(message);
  }

  /** A message that cannot be read must not keep the others from being delivered. */
  #read(text: string): Element | undefined {
    try {
      return parseStored(text);
    } catch (error) {
      this.#server.events.handlerFailed({ what: 'offline message', error });
      return undefined;
    }
  }
}
