import type { Element } from '../../../xmpp/element.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { parseStored } from '../../../xmpp/stored-xml.js';
import type { AccountIq, Server } from '../module.js';
import type { Session } from '../session.js';
import { Turns } from '../turns.js';
import { finElement, resultMessage } from './answers.js';
import type { Archive } from './archive.js';
import { type ArchivePage, findPage } from './page.js';
import { type ArchiveQuery, parseArchiveQuery } from './query.js';

/** About how many characters of results are written before others get their turn and the client has time to read. */
const burst = 32 * 1024;
/** What a result costs beside the message that is in it, in characters. */
const costOfResult = 512;

type Surroundings = Pick<Server, 'stores' | 'settings' | 'hooks' | 'events'>;

/** What the queries of a session know of its connection, one of them at work at a time. */
class Connection {
  #isLost = false;
  /** What was written since it was waited for. */
  #cost = 0;
  #interrupt: (() => void) | undefined;

  lose(): void {
    this.#isLost = true;
    this.#interrupt?.();
  }

  /** @throws {StanzaError} `recipient-unavailable` if it is lost */
  require(): void {
    if (this.#isLost) throw lost();
  }

  /** Whether a result has room in the burst; if not, it begins the next one. Queries that follow on each other share them. */
  hasRoomFor(cost: number): boolean {
    this.#cost += cost;
    if (this.#cost <= burst) return true;
    this.#cost = cost;
    return false;
  }

  /**
   * Waits until the client has what it was sent; no longer than the connection lasts, while a link that waits for another one
   * may (XEP-0198).
   * @throws {StanzaError} (as rejection) `recipient-unavailable` if it is lost
   */
  async written({ link }: Session): Promise<void> {
    this.require();
    const isWritten = await new Promise<boolean>((resolve) => {
      this.#interrupt = () => resolve(false);
      void link.written().then(resolve);
    });
    this.#interrupt = undefined;
    if (!isWritten) throw lost();
  }
}

/** Queries of clients to their archives, one after another for each of them. */
export class ArchiveQueries {
  readonly #server: Surroundings;
  readonly #archive: Pick<Archive, 'settled'>;
  readonly #turns = new Turns();
  /** The query of a session that was asked last; how many wait is bounded by what a session may ask at once. */
  readonly #last = new WeakMap<Session, Promise<unknown>>();
  /** The connections over which sessions have asked: a page does not go on over another one. */
  readonly #connections = new WeakMap<Session, Connection>();

  constructor(server: Surroundings, archive: Pick<Archive, 'settled'>) {
    this.#server = server;
    this.#archive = archive;
    const lose = (session: Session) => {
      this.#connections.get(session)?.lose();
      this.#connections.delete(session);
    };
    server.hooks.hibernationStart.on(lose);
    server.hooks.sessionEnded.on(lose);
  }

  /**
   * Sends the results that a client asked for, and answers what there was.
   * @throws {StanzaError} (as rejection) what `parseArchiveQuery` and `findPage` throw; `recipient-unavailable` if the client
   *   lost its connection before all was sent
   */
  async answer({ session, payload }: Pick<AccountIq, 'session' | 'payload'>): Promise<Element> {
    if (session === undefined) throw new StanzaError('service-unavailable');
    const query = parseArchiveQuery(payload, this.#server.settings.archive.maxQueryResults);
    const before = this.#last.get(session) ?? Promise.resolve();
    const connection = this.#connectionOf(session);
    const done = before.then(() => this.#work(session, query, connection));
    this.#last.set(
      session,
      done.catch(() => undefined),
    );
    return done;
  }

  async #work(session: Session, query: ArchiveQuery, connection: Connection): Promise<Element> {
    connection.require();
    await this.#archive.settled();
    const { stores, settings } = this.#server;
    const page = await findPage(stores.archive, session.account.id, query, settings.archive.maxQueryResults);
    await this.#send(session, query, page, connection);
    return finElement(page);
  }

  async #send(
    session: Session,
    query: ArchiveQuery,
    page: ArchivePage,
    connection: Connection,
  ): Promise<void> {
    const [from, to] = [session.account.jid.toString(), session.jid.toString()];
    const messages = query.isFlipped ? page.messages.toReversed() : page.messages;
    for (const { id, message: text } of messages) {
      if (!connection.hasRoomFor(text.length + costOfResult)) {
        await this.#turns.take(() => undefined);
        await connection.written(session);
      }
      connection.require();
      const message = this.#read(text);
      if (!session.send(resultMessage({ from, to, id, queryId: query.queryId, message }))) throw lost();
    }
  }

  #connectionOf(session: Session): Connection {
    const known = this.#connections.get(session);
    if (known !== undefined) return known;
    const connection = new Connection();
    this.#connections.set(session, connection);
    return connection;
  }

  /** A message that cannot be read must not keep the others from being found. */
  #read(text: string): Element | undefined {
    try {
      return parseStored(text);
    } catch (error) {
      this.#server.events.handlerFailed({ what: 'archived message', error });
      return undefined;
    }
  }
}

function lost(): StanzaError {
  return new StanzaError('recipient-unavailable', 'The connection was lost meanwhile. Ask again.');
}
