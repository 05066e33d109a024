import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { ArchiveFilter, ArchiveStore, StoredMessage } from '../hosts/standalone/store.js';
import type { Database, Param, Schema, Statement } from './database.js';

/** Rows that one statement walks over: others get their turn before the next, which SQLite's would not let them have. */
const step = 1_000;

interface Range {
  readonly accountId: number;
  /** The empty string for everybody. */
  readonly withBare: string;
  readonly after: number;
  readonly before: number;
  readonly limit: number;
}

interface Key {
  readonly id: number;
  readonly withResource: string;
}

/** Whose messages a statement walks over: those of an account, or of it with one address. */
type Kind = 'account' | 'with';

type Direction = 'forwards' | 'backwards';
type Directed<Row> = Readonly<Record<Direction, Statement<Range, Row>>>;

/** What an archive answers about messages that lie together; `find` answers messages by their ids. */
export function createArchiveRanges(
  database: Database,
  find: (accountId: number, ids: readonly number[]) => Promise<readonly StoredMessage[]>,
): Pick<ArchiveStore, 'page' | 'count'> {
  const ofAll = preparePages(database, 'account');
  const withOne = preparePages(database, 'with');
  const keys = prepareKeys(database);
  const countOfAll = prepareCount(database, 'account');
  const countWithOne = prepareCount(database, 'with');
  return {
    async page(accountId, filter, limit, isBackwards) {
      const range = rangeOf(accountId, filter, limit);
      const direction = isBackwards ? 'backwards' : 'forwards';
      const { withResource } = filter;
      if (withResource !== undefined) {
        return find(accountId, await findKeys(keys[direction], range, direction, withResource));
      }
      const pages = range.withBare === '' ? ofAll : withOne;
      const { rows } = await pages[direction](range);
      return isBackwards ? rows.toReversed() : rows;
    },
    async count(accountId, filter) {
      const range = rangeOf(accountId, filter, Number.MAX_SAFE_INTEGER);
      const { withResource } = filter;
      if (withResource === undefined) return count(range.withBare === '' ? countOfAll : countWithOne, range);
      return (await findKeys(keys.forwards, range, 'forwards', withResource)).length;
    },
  };
}

function rangeOf(accountId: number, filter: ArchiveFilter, limit: number): Range {
  const { withBare = '', after = 0, before = Number.MAX_SAFE_INTEGER } = filter;
  return { accountId, withBare, after, before, limit };
}

/** Few ask for a resource, so that no index knows it: the ids of those of an address that have it, at most `limit`. */
async function findKeys(
  keys: Statement<Range, Key>,
  range: Range,
  direction: Direction,
  withResource: string,
): Promise<number[]> {
  const found: number[] = [];
  let rest = { ...range, limit: step };
  for (;;) {
    const { rows } = await keys(rest);
    for (const row of rows) if (row.withResource === withResource) found.push(row.id);
    const last = rows.at(-1);
    if (last === undefined || rows.length < step || found.length >= range.limit) {
      return found.slice(0, range.limit);
    }
    rest = direction === 'forwards' ? { ...rest, after: last.id } : { ...rest, before: last.id };
    await nextTurn();
  }
}

async function count(
  countSome: Statement<Range, { count: number; last: number | null }>,
  range: Range,
): Promise<number> {
  let total = 0;
  let rest = { ...range, limit: step };
  for (;;) {
    const [row] = (await countSome(rest)).rows;
    if (row === undefined || row.last === null) return total;
    total += row.count;
    if (row.count < step) return total;
    rest = { ...rest, after: row.last };
    await nextTurn();
  }
}

/**
 * The messages of an account, of all or with one address, in order of their ids. SQLite, which has no statistics, would look
 * for one address in the index that knows none.
 */
function selectMessages(database: Database, kind: Kind, param: Param<Range>, db: Kysely<Schema>) {
  const index = sql`archive indexed by archive_with`;
  const table = sql<Schema['archive']>`archive`.as<'archive'>(
    kind === 'with' && database.kind === 'sqlite' ? index : sql`archive`,
  );
  return db
    .selectFrom(table)
    .where('account_id', '=', param('accountId'))
    .$if(kind === 'with', (query) => query.where('with_bare', '=', param('withBare')))
    .where('id', '>', param('after'))
    .where('id', '<', param('before'))
    .limit(param('limit'));
}

function bothWays<Row>(prepare: (direction: Direction, order: 'asc' | 'desc') => Statement<Range, Row>) {
  return { forwards: prepare('forwards', 'asc'), backwards: prepare('backwards', 'desc') };
}

function preparePages(database: Database, kind: Kind): Directed<StoredMessage> {
  return bothWays((direction, order) =>
    database.prepare<Range, StoredMessage>(`archive_page_${kind}_${direction}`, (param, db) =>
      selectMessages(database, kind, param, db)
        .select(['id', 'with_bare as withBare', 'with_resource as withResource', 'message'])
        .orderBy('id', order),
    ),
  );
}

function prepareKeys(database: Database): Directed<Key> {
  return bothWays((direction, order) =>
    database.prepare<Range, Key>(`archive_keys_${direction}`, (param, db) =>
      selectMessages(database, 'with', param, db)
        .select(['id', 'with_resource as withResource'])
        .orderBy('id', order),
    ),
  );
}

function prepareCount(database: Database, kind: Kind) {
  return database.prepare<Range, { count: number; last: number | null }>(
    `archive_count_${kind}`,
    (param, db) =>
      db
        .selectFrom(selectMessages(database, kind, param, db).select('id').orderBy('id').as('counted'))
        .select(({ fn }) => [fn.countAll<number>().as('count'), fn.max('id').as('last')]),
  );
}
