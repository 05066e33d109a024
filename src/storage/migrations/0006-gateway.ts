import { sql } from 'kysely';
import type { Migration } from './migration.js';

/**
 * Browsers that other servers' publishes go to, and what a waiting message is authorized by if not by our own key. An endpoint is
 * found by its hash (SHA-256, base64url): it may be longer than what PostgreSQL takes into an index. Times are Unix milliseconds.
 */
export const gateway: Migration = async (db, kind) => {
  const isSqlite = kind === 'sqlite';
  const integer = isSqlite ? sql`integer` : sql`bigint`;
  const bytes = isSqlite ? sql`blob` : sql`bytea`;
  const strict = isSqlite ? sql`strict` : sql``;
  const statements = [
    sql`create table gateway_registrations (
      node text not null primary key,
      account text not null,
      device text not null,
      endpoint_hash text not null,
      endpoint text not null,
      p256dh ${bytes} not null,
      auth ${bytes} not null,
      only_important ${integer} not null,
      renewed_at ${integer} not null,
      failures ${integer} not null,
      unique (account, device)
    ) ${strict}`,
    sql`create index gateway_registrations_endpoint on gateway_registrations (endpoint_hash)`,
    sql`alter table web_push_queue add column "authorization" text`,
  ];
  for (const statement of statements) await statement.execute(db);
};
