import type { OfflineStore } from '../hosts/standalone/store.js';
import type { Database } from './database.js';
import { StorageError } from './errors.js';

/** Messages that may wait for those before them, of one account. */
const maxWaiting = 1_000;

/** Messages for accounts without sessions; their ids are in order of arrival. */
export function createOfflineStore(database: Database): OfflineStore {
  const insert = prepareAdd(database);
  // SQLite writes in the order in which it is asked; connections to PostgreSQL know nothing of each other.
  const add = database.kind === 'postgres' ? inOrder(insert) : insert;
  const list = prepareList(database);
  const remove = prepareRemove(database);
  return {
    add: async (accountId, message, limit) => (await add({ accountId, message, limit })).changes > 0,
    list: async (accountId, limit, after = 0) => (await list({ accountId, limit, after })).rows,
    async remove(accountId, throughId) {
      await remove({ accountId, throughId });
    },
  };
}

type Add<Args, Done> = (args: Args) => Promise<Done>;

/** For each account one at a time. */
function inOrder<Args extends { readonly accountId: number }, Done>(add: Add<Args, Done>): Add<Args, Done> {
  const lines = new Map<number, { last: Promise<unknown>; length: number }>();
  return async (args) => {
    const line = lines.get(args.accountId) ?? { last: Promise.resolve(), length: 0 };
    if (line.length >= maxWaiting) {
      throw new StorageError(`${maxWaiting} messages wait for the database already`, 'EBUSY');
    }
    lines.set(args.accountId, line);
    line.length++;
    const done = line.last.then(() => add(args));
    line.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      line.length--;
      if (line.length === 0) lines.delete(args.accountId);
    }
  };
}

/**
 * The account's row is locked on PostgreSQL, so that of two messages at once the one with the lower id is there first:
 * whoever removes what was listed removes nothing that came meanwhile. What another process adds at that moment does
 * not count for the limit yet.
 */
function prepareAdd(database: Database) {
  return database.prepare<{ accountId: number; message: string; limit: number }, unknown>(
    'offline_messages_add',
    (param, db) =>
      db
        .insertInto('offline_messages')
        .columns(['account_id', 'message'])
        .expression(
          db
            .selectFrom('accounts')
            .select((eb) => ['id', eb.cast<string>(param('message'), 'text').as('message')])
            .where('id', '=', param('accountId'))
            .where(
              (eb) =>
                eb
                  .selectFrom('offline_messages')
                  .select(({ fn }) => fn.countAll<number>().as('count'))
                  .where('account_id', '=', param('accountId')),
              '<',
              param('limit'),
            )
            .$if(database.kind === 'postgres', (query) => query.forNoKeyUpdate()),
        ),
  );
}

function prepareList(database: Database) {
  return database.prepare<
    { accountId: number; limit: number; after: number },
    { id: number; message: string }
  >('offline_messages_list', (param, db) =>
    db
      .selectFrom('offline_messages')
      .select(['id', 'message'])
      .where('account_id', '=', param('accountId'))
      .where('id', '>', param('after'))
      .orderBy('id')
      .limit(param('limit')),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<{ accountId: number; throughId: number }, unknown>(
    'offline_messages_remove',
    (param, db) =>
      db
        .deleteFrom('offline_messages')
        .where('account_id', '=', param('accountId'))
        .where('id', '<=', param('throughId')),
  );
}
