import type { Kysely } from 'kysely';
import { createArchiveStore } from '../../src/storage/archive.js';
import { compileStatement } from '../../src/storage/compile.js';
import type { Database, Param, Query, Schema } from '../../src/storage/database.js';

/** The SQL of all that an archive asks of its database, by the names of the statements. */
export function archiveStatements(database: Database): ReadonlyMap<string, string> {
  const statements = new Map<string, string>();
  createArchiveStore({
    ...database,
    prepare: <Args, Row>(name: string, build: (param: Param<Args>, db: Kysely<Schema>) => Query<Row>) => {
      statements.set(name, compileStatement(database.kysely, build).sql);
      return database.prepare(name, build);
    },
  });
  return statements;
}

/** The index by which each statement must find its rows, in their order, without looking at others. */
export const archiveIndexes: Readonly<Record<string, string>> = {
  archive_page_account_forwards: 'archive_account',
  archive_page_account_backwards: 'archive_account',
  archive_page_with_forwards: 'archive_with',
  archive_page_with_backwards: 'archive_with',
  archive_keys_forwards: 'archive_with',
  archive_keys_backwards: 'archive_with',
  archive_count_account: 'archive_account',
  archive_count_with: 'archive_with',
  archive_ends: 'archive_account',
};
