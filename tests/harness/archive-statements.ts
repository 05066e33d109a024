import { createArchiveStore } from '../../src/storage/archive.js';
import type { Database } from '../../src/storage/database.js';
import { statementsOf } from './statements.js';

/** The SQL of all that an archive asks of its database, by the names of the statements. */
export function archiveStatements(database: Database): ReadonlyMap<string, string> {
  return statementsOf(database, createArchiveStore);
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
