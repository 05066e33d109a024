import { type RawBuilder, sql } from 'kysely';
import type { Migration } from './migration.js';

/** Where the databases differ. */
interface Dialect {
  /** A number that no later row gets again. */
  readonly id: RawBuilder<unknown>;
  readonly integer: RawBuilder<unknown>;
  /** Text that is ordered by its bytes. */
  readonly name: RawBuilder<unknown>;
  readonly now: RawBuilder<unknown>;
  /** At the end of a table. */
  readonly strict: RawBuilder<unknown>;
  /** The same, for a table of small rows that are read together: they lie in the order of their key. */
  readonly clustered: RawBuilder<unknown>;
}

const sqlite: Dialect = {
  id: sql`integer primary key autoincrement`,
  integer: sql`integer`,
  name: sql`text`,
  now: sql`(unixepoch())`,
  strict: sql`strict`,
  clustered: sql`strict, without rowid`,
};

const postgres: Dialect = {
  id: sql`bigint generated always as identity primary key`,
  integer: sql`bigint`,
  name: sql`text collate "C"`,
  now: sql`(extract(epoch from now())::bigint)`,
  strict: sql``,
  clustered: sql``,
};

/**
 * The embedded server's accounts, and what goes with an account when it is removed. Blocked JIDs and documents are found
 * by hashes (SHA-256, base64url): the texts may be longer than what PostgreSQL takes into an index.
 */
export const standalone: Migration = async (db, kind) => {
  const { id, integer, name, now, strict, clustered } = kind === 'sqlite' ? sqlite : postgres;
  const owner = sql`account_id ${integer} not null references accounts on delete cascade`;
  const statements = [
    sql`create table accounts (
      id ${id},
      bare_jid ${name} not null unique,
      scram_sha1 text not null,
      scram_sha256 text not null,
      created_at ${integer} not null default ${now}
    ) ${strict}`,
    sql`create table contacts (
      ${owner},
      jid text not null,
      name text not null,
      groups text not null,
      subscription text not null,
      ask ${integer} not null,
      approved ${integer} not null,
      listed ${integer} not null,
      pending_in text,
      primary key (account_id, jid)
    ) ${clustered}`,
    sql`create table offline_messages (id ${id}, ${owner}, message text not null) ${strict}`,
    sql`create index offline_messages_account on offline_messages (account_id, id)`,
    sql`create table blocked_jids (
      ${owner},
      jid_hash text not null,
      jid text not null,
      primary key (account_id, jid_hash)
    ) ${clustered}`,
    sql`create table documents (
      ${owner},
      kind text not null,
      key_hash text not null,
      content text not null,
      primary key (account_id, kind, key_hash)
    ) ${strict}`,
  ];
  for (const statement of statements) await statement.execute(db);
};
