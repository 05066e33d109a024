import { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import type { Account } from '../account.js';
import type { ArchivedMessage } from '../hooks.js';
import type { Server } from '../module.js';
import { quietly } from '../quietly.js';
import { withoutIdsBy } from '../stanza-ids.js';
import type { StoredMessage } from '../store.js';
import { ArchiveIds } from './archive-ids.js';
import type { Archiving, Recorded } from './archiving.js';
import { isPreferred } from './preferred.js';
import { ArchiveSweeper } from './sweep.js';
import { isWorthArchiving } from './worth-archiving.js';

/** The archives of all accounts (XEP-0313). */
export interface Archive extends Archiving {
  /**
   * Learns which ids were given, and begins to remove what is too old. To be waited for before the first session. Rejects
   * if the store fails.
   */
  start(): Promise<void>;
  /** Done when all that was recorded so far can be found, or could not be stored. */
  settled(): Promise<void>;
  /** Removes nothing more, and waits for what is being written. */
  stop(): Promise<void>;
}

type Surroundings = Pick<
  Server,
  'stores' | 'settings' | 'hooks' | 'events' | 'clock' | 'now' | 'randomBytes'
>;

export function createArchive(server: Surroundings): Archive {
  return new MessageArchive(server);
}

class MessageArchive implements Archive {
  readonly #server: Surroundings;
  readonly #ids: ArchiveIds;
  readonly #sweeper: ArchiveSweeper;
  /** Of the message that was recorded last: mostly its sender has recorded it, and now its receiver does. */
  #last: { readonly stanza: Element; readonly text: string } | undefined;
  /** Writes end in the order in which they were begun. */
  #newest: Promise<unknown> = Promise.resolve();

  constructor(server: Surroundings) {
    this.#server = server;
    this.#ids = new ArchiveIds(server);
    this.#sweeper = new ArchiveSweeper({ ...server, store: server.stores.archive });
  }

  async start(): Promise<void> {
    this.#ids.passOver(await this.#server.stores.archive.newestId());
    this.#sweeper.start();
  }

  async settled(): Promise<void> {
    await this.#newest;
  }

  async stop(): Promise<void> {
    await this.#sweeper.stop();
    await this.#newest;
  }

  record(account: Account, stanza: Element, direction: ArchivedMessage['direction'], other: Jid): Recorded {
    const own = withoutIdsBy(stanza, account.jid);
    if (!this.#isKept(account, own, direction, other)) return { stanza: own, written: undefined };
    const id = this.#ids.next();
    const stanzaId = new Element('stanza-id', ns.stanzaIds, { by: account.jid.toString(), id: String(id) });
    const recorded = own.withChildren([...own.children, stanzaId]);
    const message: StoredMessage = {
      id,
      withBare: other.bare().toString(),
      withResource: other.resource,
      message: this.#textOf(own),
    };
    const written = this.#write(account, message, { id: String(id), direction, stanza: recorded });
    this.#newest = written;
    return { stanza: recorded, written };
  }

  /** What an account sends to itself is archived once: when it arrives. */
  #isKept(account: Account, stanza: Element, direction: ArchivedMessage['direction'], other: Jid): boolean {
    if (direction === 'outgoing' && other.bare().equals(account.jid)) return false;
    const { defaultPolicy } = this.#server.settings.archive;
    return isWorthArchiving(stanza) && isPreferred(account, other, defaultPolicy);
  }

  #textOf(stanza: Element): string {
    if (this.#last?.stanza !== stanza) this.#last = { stanza, text: serialize(stanza) };
    return this.#last.text;
  }

  async #write(account: Account, message: StoredMessage, archived: ArchivedMessage): Promise<boolean> {
    const { stores, hooks, events } = this.#server;
    try {
      await stores.archive.add(account.id, message);
    } catch (error) {
      events.storageFailed({ what: 'archived message', error });
      return false;
    }
    events.messageArchived({ direction: archived.direction });
    // Whoever listens has no part in whether the message is kept.
    void quietly(events, 'archived message', () => hooks.archived.run(account, archived));
    return true;
  }
}
