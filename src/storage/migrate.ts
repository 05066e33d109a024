import { type Kysely, sql } from 'kysely';
import type { Database, Schema } from './database.js';
import { StorageOpenError } from './errors.js';
import { unifiedPush } from './migrations/0001-unified-push.js';
import { standalone } from './migrations/0002-standalone.js';
import { archive } from './migrations/0003-archive.js';
import { notify } from './migrations/0004-notify.js';
import { webPushQueue } from './migrations/0005-web-push-queue.js';
import { gateway } from './migrations/0006-gateway.js';
import type { Migration } from './migrations/migration.js';

/** In order: the schema's version is how many of them were applied. */
export const migrations: readonly Migration[] = [
  unifiedPush,
  standalone,
  archive,
  notify,
  webPushQueue,
  gateway,
];

/**
 * Brings the schema up to date: all missing steps in one transaction, or none. Safe to run again and by several
 * processes at once. Throws `StorageOpenError` if the schema is newer than this program.
 */
export function migrate(database: Database, steps: readonly Migration[] = migrations): Promise<void> {
  const { kysely, kind } = database;
  return kysely.connection().execute(async (db) => {
    // A look without lock first: a role that may only use the tables can run Belfry once they are there.
    if ((await currentVersion(db, kind, steps.length)) === steps.length) return;
    try {
      await database.beginExclusive(db);
      await applyMissing(db, kind, steps);
      await sql`commit`.execute(db);
    } catch (error) {
      // If the connection is gone, so is the transaction; the first error tells more.
      await sql`rollback`.execute(db).catch(() => undefined);
      throw error;
    }
  });
}

/**
 * How the schema stands, without changing it: `older` has steps to come, `none` no tables yet. Throws
 * `StorageOpenError` if it is newer than this program.
 */
export async function schemaState({ kysely, kind }: Database): Promise<'current' | 'older' | 'none'> {
  const version = await currentVersion(kysely, kind, migrations.length);
  if (version === undefined) return 'none';
  return version === migrations.length ? 'current' : 'older';
}

async function applyMissing(
  db: Kysely<Schema>,
  kind: Database['kind'],
  steps: readonly Migration[],
): Promise<void> {
  const present = await currentVersion(db, kind, steps.length);
  if (present === undefined) await createVersionTable(db, kind);
  for (const [index, step] of steps.entries()) {
    if (index < (present ?? 0)) continue;
    await step(db, kind);
    await db
      .insertInto('belfry_schema')
      .values({ version: index + 1 })
      .execute();
  }
}

/** The schema's version; undefined if there is none yet. Throws if it is newer than `known`. */
async function currentVersion(
  db: Kysely<Schema>,
  kind: Database['kind'],
  known: number,
): Promise<number | undefined> {
  if (!(await hasVersionTable(db, kind))) return undefined;
  const row = await db
    .selectFrom('belfry_schema')
    .select(({ fn }) => fn.max('version').as('version'))
    .executeTakeFirst();
  const version = row?.version ?? 0;
  if (version <= known) return version;
  throw new StorageOpenError(
    `The database has schema ${version}; this Belfry knows schemas up to ${known}.`,
    'Start the newer Belfry that made it, or restore the backup from before that upgrade.',
  );
}

/**
 * Asks PostgreSQL's catalog and not `to_regclass`, whose cache still misses a table that another process made while
 * this transaction waited for it.
 */
async function hasVersionTable(db: Kysely<Schema>, kind: Database['kind']): Promise<boolean> {
  const query =
    kind === 'sqlite'
      ? sql<{ found: number }>`select count(*) as found from sqlite_master where name = 'belfry_schema'`
      : sql<{ found: number }>`select count(*)::int as found from pg_tables
          where tablename = 'belfry_schema' and schemaname = any (current_schemas(false))`;
  const { rows } = await query.execute(db);
  return rows[0]?.found === 1;
}

async function createVersionTable(db: Kysely<Schema>, kind: Database['kind']): Promise<void> {
  const now = kind === 'sqlite' ? sql`(unixepoch())` : sql`(extract(epoch from now())::bigint)`;
  await db.schema
    .createTable('belfry_schema')
    .addColumn('version', 'integer', (column) => column.primaryKey())
    .addColumn('applied_at', 'bigint', (column) => column.notNull().defaultTo(now))
    .execute();
}
