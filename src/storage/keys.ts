import type { KeyStore } from '../services/unified-push/store.js';
import type { Database } from './database.js';

/** Keys that are made once and shared by all processes on this database. */
export function createKeyStore(database: Database): KeyStore {
  const find = prepareFind(database);
  const insert = prepareInsert(database);
  const read = async (name: string) => (await find({ name })).rows[0]?.value;
  return {
    async getOrCreate(name, make) {
      const present = await read(name);
      if (present !== undefined) return present;
      await insert({ name, value: make() });
      // Another process may have been faster: the stored one counts.
      const stored = await read(name);
      if (stored === undefined) throw new Error(`the key ${name} is gone just after it was stored`);
      return stored;
    },
  };
}

function prepareFind(database: Database) {
  return database.prepare<{ name: string }, { value: string }>('keys_find', (param, db) =>
    db.selectFrom('keys').select('value').where('name', '=', param('name')),
  );
}

function prepareInsert(database: Database) {
  return database.prepare<{ name: string; value: string }, unknown>('keys_insert', (param, db) =>
    db
      .insertInto('keys')
      .values({ name: param('name'), value: param('value') })
      .onConflict((conflict) => conflict.column('name').doNothing()),
  );
}
