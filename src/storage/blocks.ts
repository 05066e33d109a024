import { type RawBuilder, sql } from 'kysely';
import type { BlockStore } from '../hosts/standalone/store.js';
import type { Database } from './database.js';
import { textHash } from './text-hash.js';

interface Args {
  readonly accountId: number;
  /** A JSON object: each JID by its hash. */
  readonly jids: string;
}

/** Blocked JIDs, one row each; those of a call come and go in one statement. */
export function createBlockStore(database: Database): BlockStore {
  const load = prepareLoad(database);
  const add = prepareAdd(database);
  const remove = prepareRemove(database);
  return {
    load: async (accountId) => (await load({ accountId })).rows.map((row) => row.jid),
    async add(accountId, jids) {
      await add({ accountId, jids: byHash(jids) });
    },
    async remove(accountId, jids) {
      await remove({ accountId, jids: byHash(jids) });
    },
  };
}

function byHash(jids: readonly string[]): string {
  return JSON.stringify(Object.fromEntries(jids.map((jid) => [textHash(jid), jid])));
}

/** The members of a JSON object as rows. */
function rowsOf({ kind }: Database, object: RawBuilder<string>) {
  const each = kind === 'sqlite' ? sql`json_each(${object})` : sql`json_each_text(${object}::json)`;
  return each.$castTo<{ key: string; value: string }>().as<'given'>(sql.ref('given'));
}

function prepareLoad(database: Database) {
  return database.prepare<{ accountId: number }, { jid: string }>('blocked_jids_load', (param, db) =>
    db.selectFrom('blocked_jids').select('jid').where('account_id', '=', param('accountId')),
  );
}

function prepareAdd(database: Database) {
  return database.prepare<Args, unknown>('blocked_jids_add', (param, db) =>
    db
      .insertInto('blocked_jids')
      .columns(['account_id', 'jid_hash', 'jid'])
      .expression(
        db
          .selectFrom(rowsOf(database, param('jids')))
          .select((eb) => [
            eb.cast<number>(param('accountId'), 'bigint').as('account_id'),
            'given.key as jid_hash',
            'given.value as jid',
          ])
          // SQLite takes ON CONFLICT for a join's ON without it.
          .where(sql.lit(1), '=', 1),
      )
      .onConflict((conflict) => conflict.doNothing()),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<Args, unknown>('blocked_jids_remove', (param, db) =>
    db
      .deleteFrom('blocked_jids')
      .where('account_id', '=', param('accountId'))
      .where('jid_hash', 'in', (eb) => eb.selectFrom(rowsOf(database, param('jids'))).select('given.key')),
  );
}
