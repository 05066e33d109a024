import type { ArchiveFilter, ArchiveStore, StoredMessage } from '../store.js';
import { unknownId } from './archive-ids.js';
import { type ArchiveQuery, filterOfPage } from './query.js';

/** What a query finds. */
export interface ArchivePage {
  /** In ascending order. */
  readonly messages: readonly StoredMessage[];
  /** There is nothing more in that direction. */
  readonly isComplete: boolean;
  /** How many messages match in all, if that is known. */
  readonly count: number | undefined;
}

/** About how many characters of messages are in a page at most, however few messages that may be. */
const pageCharacters = 1024 * 1024;
/** Messages that are read at once: few pages need more than one look. */
const atOnce = 64;

/**
 * Finds the page that is asked for, of at most `max` messages.
 * @throws {StanzaError} (as rejection) `item-not-found` if the archive lacks an id of the query
 */
export async function findPage(
  store: ArchiveStore,
  accountId: number,
  query: ArchiveQuery,
  max: number,
): Promise<ArchivePage> {
  await requireIds(store, accountId, query.known);
  const limit = Math.min(query.page.max ?? max, max);
  if (query.ids !== undefined) return findByIds(store, accountId, query, query.ids, limit);
  if (limit > 0) return readPage(store, accountId, query, limit);
  const count = await store.count(accountId, query.filter);
  return { messages: [], isComplete: count === 0, count };
}

async function requireIds(store: ArchiveStore, accountId: number, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  const found = await store.find(accountId, ids);
  if (found.length < new Set(ids).size) throw unknownId();
}

async function findByIds(
  store: ArchiveStore,
  accountId: number,
  query: ArchiveQuery,
  ids: readonly number[],
  limit: number,
): Promise<ArchivePage> {
  const found = await store.find(accountId, ids);
  if (found.length < ids.length) throw unknownId();
  const matching = found.filter((message) => matches(message, query.filter));
  const rest = matching.filter((message) => matches(message, filterOfPage(query)));
  const messages = query.page.isBackwards
    ? rest.slice(Math.max(0, rest.length - limit))
    : rest.slice(0, limit);
  return { messages, isComplete: messages.length === rest.length, count: matching.length };
}

function matches(message: StoredMessage, { withBare, withResource, after, before }: ArchiveFilter): boolean {
  return (
    (withBare === undefined || message.withBare === withBare) &&
    (withResource === undefined || message.withResource === withResource) &&
    (after === undefined || message.id > after) &&
    (before === undefined || message.id < before)
  );
}

async function readPage(
  store: ArchiveStore,
  accountId: number,
  query: ArchiveQuery,
  limit: number,
): Promise<ArchivePage> {
  const { isBackwards, after, before } = query.page;
  const read: StoredMessage[] = [];
  const end = (isComplete: boolean): ArchivePage => {
    const isWhole = isComplete && after === undefined && before === undefined;
    const messages = isBackwards ? read.toReversed() : read;
    return { messages, isComplete, count: isWhole ? messages.length : undefined };
  };
  let characters = 0;
  for (let rest = filterOfPage(query); ; ) {
    // One more than the page may have tells whether there is more.
    const wanted = Math.min(atOnce, limit + 1 - read.length);
    const rows = await store.page(accountId, rest, wanted, isBackwards);
    for (const row of isBackwards ? rows.toReversed() : rows) {
      if (read.length === limit || characters >= pageCharacters) return end(false);
      read.push(row);
      characters += row.message.length;
      rest = isBackwards ? { ...rest, before: row.id } : { ...rest, after: row.id };
    }
    if (rows.length < wanted) return end(true);
  }
}
