import { type CreateTableBuilder, sql } from 'kysely';
import type { Migration, MigrationDb } from './migration.js';

/** Registrations, revoked tokens and keys. */
export const unifiedPush: Migration = async (db, kind) => {
  const bytes = kind === 'sqlite' ? sql`blob` : sql`bytea`;
  const integer = kind === 'sqlite' ? sql`integer` : sql`bigint`;
  const now = kind === 'sqlite' ? sql`(unixepoch())` : sql`(extract(epoch from now())::bigint)`;
  const execute = (table: CreateTableBuilder<string, string>) =>
    (kind === 'sqlite' ? table.modifyEnd(sql`strict`) : table).execute();

  await execute(
    db.schema
      .createTable('unified_push_registrations')
      .addColumn('id_hash', bytes, (column) => column.primaryKey().notNull())
      .addColumn('seed', bytes, (column) => column.notNull())
      .addColumn('bare_jid', 'text', (column) => column.notNull())
      .addColumn('resource', 'text', (column) => column.notNull())
      .addColumn('application', 'text', (column) => column.notNull())
      .addColumn('instance', 'text', (column) => column.notNull())
      .addColumn('expires_at', integer, (column) => column.notNull())
      .addColumn('revision', integer, (column) => column.notNull().defaultTo(1))
      .addUniqueConstraint('unified_push_registrations_key', ['bare_jid', 'application', 'instance']),
  );
  await indexExpiry(db, 'unified_push_registrations');
  await execute(
    db.schema
      .createTable('revoked_tokens')
      .addColumn('token_hash', bytes, (column) => column.primaryKey().notNull())
      .addColumn('expires_at', integer, (column) => column.notNull()),
  );
  await indexExpiry(db, 'revoked_tokens');
  await execute(
    db.schema
      .createTable('keys')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('created_at', integer, (column) => column.notNull().defaultTo(now)),
  );
};

function indexExpiry(db: MigrationDb, table: string): Promise<void> {
  return db.schema.createIndex(`${table}_expires_at`).on(table).column('expires_at').execute();
}
