import type { Kysely } from 'kysely';
import type { Database } from '../database.js';

/** A connection inside the migration's transaction, without `Schema`: that one moves on, a released step does not. */
export type MigrationDb = Pick<Kysely<unknown>, 'schema' | 'getExecutor'>;

/** One step of the schema. Once released it never changes. */
export type Migration = (db: MigrationDb, kind: Database['kind']) => Promise<void>;
