import type { Element } from '../../../xmpp/element.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { AccountIq, Server } from '../module.js';
import type { Session } from '../session.js';
import { parseStored } from '../stored-xml.js';
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

/** Queries of clients to their archives, one after another for each of them. */
export class ArchiveQueries {
  readonly #server: Surroundings;
  readonly #archive: Pick<Archive, 'settled'>;
  readonly #turns = new Turns();
  /** The query of a session that was asked last; how many wait is bounded by what a session may ask at once. */
  readonly #last = new WeakMap<Session, Promise<unknown>>();
  /** How often a session has lost its connection: a page does not go on over another one. */
  readonly #losses = new WeakMap<Session, number>();

  constructor(server: Surroundings, archive: Pick<Archive, 'settled'>) {
    this.#server = server;
    this.#archive = archive;
    const lose = (session: Session) => void this.#losses.set(session, this.#lossesOf(session) + 1);
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
    const connection = this.#lossesOf(session);
    const done = before.then(() => this.#work(session, query, connection));
    this.#last.set(
      session,
      done.catch(() => undefined),
    );
    return done;
  }

  async #work(session: Session, query: ArchiveQuery, connection: number): Promise<Element> {
    this.#requireConnection(session, connection);
    await this.#archive.settled();
    const { stores, settings } = this.#server;
    const page = await findPage(stores.archive, session.account.id, query, settings.archive.maxQueryResults);
    await this.#send(session, query, page, connection);
    return finElement(page);
  }

  async #send(session: Session, query: ArchiveQuery, page: ArchivePage, connection: number): Promise<void> {
    const [from, to] = [session.account.jid.toString(), session.jid.toString()];
    const messages = query.isFlipped ? page.messages.toReversed() : page.messages;
    let cost = 0;
    for (const { id, message: text } of messages) {
      cost += text.length + costOfResult;
      if (cost > burst) {
        await this.#turns.take(() => undefined);
        if (!(await session.link.written())) throw lost();
        cost = text.length + costOfResult;
      }
      this.#requireConnection(session, connection);
      const message = this.#read(text);
      if (!session.send(resultMessage({ from, to, id, queryId: query.queryId, message }))) throw lost();
    }
  }

  #requireConnection(session: Session, connection: number): void {
    if (this.#lossesOf(session) !== connection) throw lost();
  }

  #lossesOf(session: Session): number {
    return this.#losses.get(session) ?? 0;
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
