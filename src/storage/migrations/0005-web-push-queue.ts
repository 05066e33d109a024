import { sql } from 'kysely';
import type { Migration } from './migration.js';

/**
 * Messages that wait to be sent to push services of browsers. Endpoints and senders are found by hashes (SHA-256, base64url):
 * the texts may be longer than what PostgreSQL takes into an index. Times are Unix milliseconds. What is long comes last, so
 * that SQLite need not read it to find the rest.
 */
export const webPushQueue: Migration = async (db, kind) => {
  const isSqlite = kind === 'sqlite';
  const id = isSqlite
    ? sql`integer primary key autoincrement`
    : sql`bigint generated always as identity primary key`;
  const integer = isSqlite ? sql`integer` : sql`bigint`;
  const bytes = isSqlite ? sql`blob` : sql`bytea`;
  const strict = isSqlite ? sql`strict` : sql``;
  const statements = [
    sql`create table web_push_queue (
      id ${id},
      due_at ${integer} not null,
      attempts ${integer} not null,
      is_claimed ${integer} not null,
      expires_at ${integer} not null,
      endpoint_hash text not null,
      sender_hash text not null,
      topic text,
      urgency text not null,
      origin text not null,
      service text not null,
      reference text not null,
      endpoint text not null,
      body ${bytes} not null,
      shorter ${bytes}
    ) ${strict}`,
    sql`create index web_push_queue_due on web_push_queue (due_at, origin)`,
    sql`create index web_push_queue_expiry on web_push_queue (expires_at)`,
    sql`create index web_push_queue_endpoint on web_push_queue (endpoint_hash, id)`,
    sql`create index web_push_queue_sender on web_push_queue (sender_hash)`,
    sql`create index web_push_queue_claimed on web_push_queue (is_claimed) where is_claimed = 1`,
  ];
  for (const statement of statements) await statement.execute(db);
};
