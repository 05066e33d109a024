import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { parseStored } from '../../../xmpp/stored-xml.js';
import type { Account } from '../account.js';
import type { Server, ServerModule } from '../module.js';
import { quietly } from '../quietly.js';
import type { Session } from '../session.js';
import { accountLimits } from '../settings.js';
import { LentPages, type Page } from './lent-pages.js';
import { UnderWay } from './under-way.js';
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
    { xep: '0334', version: '1.0.0' },
  ],
  setup(server) {
    const messages = new OfflineMessages(server);
    const { hooks } = server;
    if (server.settings.maxOfflineMessages > 0) server.advertise({ features: [ns.offline] });
    hooks.offlineMessage.on((account, message) => messages.keep(account, message));
    hooks.sessionAvailable.on((session) => messages.deliver(session));
    hooks.hibernationStart.on((session) => messages.pause(session));
    hooks.hibernationEnd.on((session, how) => (how === 'resumed' ? messages.resume(session) : undefined));
    hooks.sessionEnded.on((session) => messages.end(session));
  },
};

type Kept = 'stored' | 'dropped' | 'refused';

/** A page that a session took, or some of it; undefined if there was nothing to take, or it took none. */
type Handed = { readonly isMore: boolean; readonly read: Promise<boolean> } | undefined;

/**
 * Nothing is held while the store writes: it keeps the order in which it is asked. What a session is handed stays in the
 * store until it has arrived, which is acknowledged by who can (XEP-0198): whatever ends the server, it is not lost.
 */
class OfflineMessages {
  readonly #server: Server;
  readonly #writes = new UnderWay();
  readonly #removals = new UnderWay();
  readonly #lent = new LentPages();
  /** What each session was handed and has not acknowledged. */
  readonly #pages = new WeakMap<Session, Set<Page>>();
  /** Sessions that wait for what was kept, behind the one that is getting it. */
  readonly #waiting = new WeakMap<Account, Session[]>();
  readonly #asleep = new WeakSet<Session>();
  /** Ends the wait for a session to read. */
  readonly #stops = new WeakMap<Session, () => void>();

  constructor(server: Server) {
    this.#server = server;
  }

  keep(account: Account | undefined, message: Element): Kept | Promise<Kept> {
    const worth = isWorthKeeping(message);
    if (worth !== 'keep') return worth;
    const text = serialize(this.#server.delays.stamp(message, this.#server.now()));
    if (account === undefined) return this.#answerForNobody(text);
    return this.#writes.run(account.id, () => this.#store(account, message, text));
  }

  /** What the archive of an account has is not refused. */
  #answerForNobody(text: string): Kept {
    const isArchived = this.#server.settings.archive.defaultPolicy === 'always';
    return isArchived || this.#mayKeep(text) ? 'stored' : 'refused';
  }

  async #store(account: Account, message: Element, text: string): Promise<Kept> {
    const jid = account.jid.toString();
    try {
      const isStored = await this.#add(account, text);
      this.#server.events.offlineMessage({ jid, result: isStored ? 'stored' : 'full' });
      if (isStored) this.#tell(account, message);
      return isStored ? 'stored' : 'refused';
    } catch (error) {
      this.#server.events.storageFailed({ what: 'offline message', error });
      return 'refused';
    }
  }

  /** False if there is no room for it. What was handed to a session and is about to go takes none. */
  async #add({ id }: Account, text: string): Promise<boolean> {
    if (!this.#mayKeep(text)) return false;
    const limit = this.#server.settings.maxOfflineMessages + this.#lent.size(id);
    return this.#server.stores.offline.add(id, text, limit);
  }

  #mayKeep(text: string): boolean {
    const isKept = this.#server.settings.maxOfflineMessages > 0;
    return isKept && Buffer.byteLength(text) <= accountLimits.offlineMessageBytes;
  }

  /** Whoever listens has no part in whether the message is kept. */
  #tell(account: Account, message: Element): void {
    const { events, hooks } = this.#server;
    void quietly(events, 'offline message', () => hooks.offlineStored.run(account, message));
  }

  /**
   * Hands over what was kept to one session; to another one that comes meanwhile only if the first does not take it all.
   * Done when the first page is handed over: the session has to be read while it acknowledges the others.
   */
  deliver(session: Session): void | Promise<void> {
    if (session.priority < 0) return;
    const { account } = session;
    const others = this.#waiting.get(account);
    if (others !== undefined) return void others.push(session);
    const waiting: Session[] = [];
    this.#waiting.set(account, waiting);
    const first = this.#handOver(session);
    void this.#deliverAll(session, first, waiting);
    return first.then(() => undefined);
  }

  /** The session has no connection: others need not wait for it. */
  pause(session: Session): void {
    this.#asleep.add(session);
    this.#stops.get(session)?.();
  }

  /** The session has one again, and goes on where it was. */
  resume(session: Session): void {
    this.#asleep.delete(session);
    if (session.isCatchingUp) void this.deliver(session);
  }

  /** The session is over: what it has not got was given back. Done when the store has nothing of that twice. */
  async end(session: Session): Promise<void> {
    this.pause(session);
    for (const page of this.#pages.get(session) ?? []) void this.#finish(session, page);
    await this.#removals.settled(session.account.id);
  }

  async #deliverAll(session: Session, first: Promise<Handed>, waiting: Session[]): Promise<void> {
    await this.#deliverRest(session, first);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await this.#deliverRest(next, this.#handOver(next));
    }
    this.#waiting.delete(session.account);
  }

  /**
   * The oldest come first. Between pages, of which there is mostly but one, the client has time to read, and what comes is
   * kept behind the rest. What it does not take stays for the next session.
   */
  async #deliverRest(session: Session, first: Promise<Handed>): Promise<void> {
    let handed = await first;
    while (handed?.isMore === true && (await this.#hasRead(session, handed.read))) {
      handed = await this.#handOver(session);
    }
  }

  /** False when the session is over or hibernates. */
  #hasRead(session: Session, read: Promise<boolean>): boolean | Promise<boolean> {
    if (this.#asleep.has(session)) return false;
    return new Promise((resolve) => {
      this.#stops.set(session, () => resolve(false));
      void read.then(resolve);
    });
  }

  /** Hands over a page while nothing else reaches the account. */
  async #handOver(session: Session): Promise<Handed> {
    session.isCatchingUp = true;
    try {
      return await this.#server.accounts.with(session.account.jid, () => this.#handPage(session));
    } catch (error) {
      this.#server.events.storageFailed({ what: 'offline messages', error });
      session.isCatchingUp = false;
      return undefined;
    }
  }

  async #handPage(session: Session): Promise<Handed> {
    const { id } = session.account;
    await this.#writes.settled(id);
    const page = await this.#server.stores.offline.list(id, pageSize, this.#lent.last(id));
    const count = this.#handAll(session, page);
    const last = page[count - 1];
    const isMore = last !== undefined && (count < page.length || page.length === pageSize);
    session.isCatchingUp = isMore;
    if (last === undefined) return undefined;
    const read = session.link.written();
    const arrived = session.link.arrived?.() ?? read;
    void this.#removeWhen(arrived, session, this.#lent.lend(id, last.id, count));
    return { isMore, read };
  }

  async #removeWhen(arrived: Promise<boolean>, session: Session, page: Page): Promise<void> {
    const pages = this.#pages.get(session) ?? new Set();
    this.#pages.set(session, pages.add(page));
    // What has not arrived is given back when the session ends.
    if ((await arrived) && pages.has(page)) await this.#finish(session, page);
  }

  /** Removes a page, behind what was given back of it; or with the pages before it, when those have arrived. */
  #finish(session: Session, page: Page): Promise<void> {
    this.#pages.get(session)?.delete(page);
    page.isDone = true;
    return this.#removals.run(session.account.id, () => this.#removeDone(session.account));
  }

  async #removeDone({ id, jid }: Account): Promise<void> {
    const through = this.#lent.doneThrough(id);
    if (through === undefined) return;
    try {
      await this.#server.accounts.with(jid, () => this.#server.stores.offline.remove(id, through));
    } catch (error) {
      this.#server.events.storageFailed({ what: 'offline messages', error });
    }
    this.#lent.forget(id, through);
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
    this.#server.handedOut.add(message);
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
