import { sql } from 'kysely';
import type { Migration } from './migration.js';

/**
 * Messages lie in the order in which they were archived, whosever they are: they are only ever added at the end and removed
 * at the beginning. What finds those of one account is in indexes, small beside the messages. (A SQLite table in the order
 * of account and id was measured: a quarter larger, for most messages do not fit into the pages of such a table, and its
 * inserts cost half as much again.) In SQLite's indexes the id is the last column without being named.
 */
export const archive: Migration = async (db, kind) => {
  const isSqlite = kind === 'sqlite';
  const integer = isSqlite ? sql`integer` : sql`bigint`;
  const name = isSqlite ? sql`text` : sql`text collate "C"`;
  const strict = isSqlite ? sql`strict` : sql``;
  const id = isSqlite ? sql`` : sql`, id`;
  const owner = sql`account_id ${integer} not null references accounts on delete cascade`;
  const statements = [
    sql`create table archive (
      id ${integer} primary key,
      ${owner},
      with_bare ${name} not null,
      with_resource ${name} not null,
      message text not null
    ) ${strict}`,
    sql`create index archive_account on archive (account_id${id})`,
    sql`create index archive_with on archive (account_id, with_bare${id})`,
    sql`create table archive_preferences (
      account_id ${integer} primary key references accounts on delete cascade,
      fallback text not null,
      always_jids text not null,
      never_jids text not null
    ) ${strict}`,
  ];
  for (const statement of statements) await statement.execute(db);
};
