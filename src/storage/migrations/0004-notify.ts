import { sql } from 'kysely';
import type { Migration } from './migration.js';

/**
 * Devices that want to be told of what waits for them; they go with their account. An address is found by its hash (SHA-256,
 * base64url): it may be longer than what PostgreSQL takes into an index. Times are Unix milliseconds.
 */
export const notify: Migration = async (db, kind) => {
  const integer = kind === 'sqlite' ? sql`integer` : sql`bigint`;
  const strict = kind === 'sqlite' ? sql`strict` : sql``;
  await sql`create table notify_registrations (
    account_id ${integer} not null references accounts on delete cascade,
    channel text not null,
    address_hash text not null,
    client text not null,
    address text not null,
    details text not null,
    enabled_at ${integer} not null,
    failures ${integer} not null,
    rests_since ${integer},
    primary key (account_id, channel, address_hash),
    unique (account_id, channel, client)
  ) ${strict}`.execute(db);
};
