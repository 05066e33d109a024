import type { AccountStore, Credentials } from '../hosts/standalone/store.js';
import type { Database } from './database.js';
import { readScramText, writeScramText } from './scram-text.js';

interface Row {
  readonly bareJid: string;
  /** RFC 5803. */
  readonly sha1: string;
  readonly sha256: string;
}

/** Messages of an archive that are removed by one statement: SQLite's lets nobody else work meanwhile. */
const archiveStep = 500;

/** Accounts of the embedded server. Removing one removes all that refers to it. */
export function createAccountStore(database: Database): AccountStore {
  const insert = prepareInsert(database);
  const find = prepareFind(database);
  const update = prepareUpdate(database);
  const emptyArchive = prepareEmptyArchive(database);
  const remove = prepareRemove(database);
  const list = prepareList(database);
  return {
    create: async (bareJid, credentials) => (await insert(rowOf(bareJid, credentials))).changes > 0,
    async find(bareJid) {
      const [row] = (await find({ bareJid })).rows;
      if (row === undefined) return undefined;
      const credentials = { sha1: readScramText(row.sha1), sha256: readScramText(row.sha256) };
      return { id: row.id, bareJid, credentials };
    },
    setCredentials: async (bareJid, credentials) => (await update(rowOf(bareJid, credentials))).changes > 0,
    async remove(bareJid) {
      // Of what there can be much: one statement would take longer than others can wait.
      while ((await emptyArchive({ bareJid, limit: archiveStep })).changes === archiveStep) {}
      return (await remove({ bareJid })).changes > 0;
    },
    list: async (after, limit) => (await list({ after, limit })).rows.map((row) => row.bareJid),
  };
}

function rowOf(bareJid: string, { sha1, sha256 }: Credentials): Row {
  return {
    bareJid,
    sha1: writeScramText('SCRAM-SHA-1', sha1),
    sha256: writeScramText('SCRAM-SHA-256', sha256),
  };
}

function prepareInsert(database: Database) {
  return database.prepare<Row, unknown>('accounts_insert', (param, db) =>
    db
      .insertInto('accounts')
      .values({ bare_jid: param('bareJid'), scram_sha1: param('sha1'), scram_sha256: param('sha256') })
      .onConflict((conflict) => conflict.column('bare_jid').doNothing()),
  );
}

function prepareFind(database: Database) {
  return database.prepare<Pick<Row, 'bareJid'>, Row & { id: number }>('accounts_find', (param, db) =>
    db
      .selectFrom('accounts')
      .select(['id', 'bare_jid as bareJid', 'scram_sha1 as sha1', 'scram_sha256 as sha256'])
      .where('bare_jid', '=', param('bareJid')),
  );
}

function prepareUpdate(database: Database) {
  return database.prepare<Row, unknown>('accounts_update', (param, db) =>
    db
      .updateTable('accounts')
      .set({ scram_sha1: param('sha1'), scram_sha256: param('sha256') })
      .where('bare_jid', '=', param('bareJid')),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<Pick<Row, 'bareJid'>, unknown>('accounts_remove', (param, db) =>
    db.deleteFrom('accounts').where('bare_jid', '=', param('bareJid')),
  );
}

function prepareEmptyArchive(database: Database) {
  return database.prepare<{ bareJid: string; limit: number }, unknown>(
    'accounts_empty_archive',
    (param, db) =>
      db.deleteFrom('archive').where('id', 'in', (eb) =>
        eb
          .selectFrom('archive')
          .select('archive.id')
          .where('account_id', '=', (accounts) =>
            accounts.selectFrom('accounts').select('accounts.id').where('bare_jid', '=', param('bareJid')),
          )
          .orderBy('archive.id')
          .limit(param('limit')),
      ),
  );
}

function prepareList(database: Database) {
  return database.prepare<{ after: string; limit: number }, Pick<Row, 'bareJid'>>(
    'accounts_list',
    (param, db) =>
      db
        .selectFrom('accounts')
        .select('bare_jid as bareJid')
        .where('bare_jid', '>', param('after'))
        .orderBy('bare_jid')
        .limit(param('limit')),
  );
}
