import { sql } from 'kysely';
import type { ArchiveStore, StoredMessage } from '../hosts/standalone/store.js';
import { createArchivePreferences } from './archive-preferences.js';
import { createArchiveRanges } from './archive-ranges.js';
import type { Database } from './database.js';
import { idsIn } from './ids-in.js';

/** Messages that accounts received and sent. */
export function createArchiveStore(database: Database): ArchiveStore {
  const insert = database.prepareInsert('archive', {
    id: 'bigint',
    account_id: 'bigint',
    with_bare: 'text',
    with_resource: 'text',
    message: 'text',
  });
  const newest = prepareNewest(database);
  const findByIds = prepareFind(database);
  const ends = prepareEnds(database);
  const expire = prepareExpire(database);
  const find = async (accountId: number, ids: readonly number[]) =>
    (await findByIds({ accountId, ids: JSON.stringify(ids) })).rows;
  return {
    add: (accountId, { id, withBare, withResource, message }) =>
      insert({ id, account_id: accountId, with_bare: withBare, with_resource: withResource, message }),
    newestId: async () => (await newest({})).rows[0]?.id ?? 0,
    find,
    async ends(accountId) {
      const [row] = (await ends({ accountId })).rows;
      const { first, last } = row ?? {};
      return typeof first === 'number' && typeof last === 'number' ? { first, last } : undefined;
    },
    expire: async (beforeId, limit) => (await expire({ beforeId, limit })).changes,
    ...createArchiveRanges(database, find),
    ...createArchivePreferences(database),
  };
}

function prepareNewest(database: Database) {
  return database.prepare<object, { id: number }>('archive_newest', (_param, db) =>
    db.selectFrom('archive').select('id').orderBy('id', 'desc').limit(1),
  );
}

function prepareFind(database: Database) {
  return database.prepare<{ accountId: number; ids: string }, StoredMessage>('archive_find', (param, db) =>
    db
      .selectFrom('archive')
      .select(['id', 'with_bare as withBare', 'with_resource as withResource', 'message'])
      .where('id', 'in', idsIn(database, param('ids')))
      // The plus keeps SQLite from walking over all that the account has.
      .where(database.kind === 'sqlite' ? sql`+account_id` : sql.ref('account_id'), '=', param('accountId'))
      .orderBy('id'),
  );
}

function prepareEnds(database: Database) {
  return database.prepare<{ accountId: number }, { first: number | null; last: number | null }>(
    'archive_ends',
    (param, db) =>
      db.selectNoFrom((eb) => {
        const ids = eb
          .selectFrom('archive')
          .select('id')
          .where('account_id', '=', param('accountId'))
          .limit(1);
        return [ids.orderBy('id').as('first'), ids.orderBy('id', 'desc').as('last')];
      }),
  );
}

/** On PostgreSQL a message that another process removes already is left to it. */
function prepareExpire(database: Database) {
  return database.prepare<{ beforeId: number; limit: number }, unknown>('archive_expire', (param, db) =>
    db
      .with('expired', (cte) =>
        cte
          .selectFrom('archive')
          .select('id')
          .where('id', '<', param('beforeId'))
          .orderBy('id')
          .limit(param('limit'))
          .$if(database.kind === 'postgres', (query) => query.forUpdate().skipLocked()),
      )
      .deleteFrom('archive')
      .where('id', 'in', (eb) => eb.selectFrom('expired').select('id')),
  );
}
