import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Belfry } from '../belfry.js';

/** A look into the database of a running Belfry. */
export interface DatabaseWatch {
  /** Another one after each change that anybody has made. */
  version(): unknown;
  /** Rows of a table. */
  count(table: string): unknown;
  close(): void;
}

export function watchDatabase({ dataFolder }: Belfry): DatabaseWatch {
  const database = new Database(join(dataFolder, 'belfry.sqlite'), { readonly: true });
  return {
    version: () => database.pragma('data_version', { simple: true }),
    count: (table) => database.prepare(`select count(*) from ${table}`).pluck().get(),
    close: () => void database.close(),
  };
}
