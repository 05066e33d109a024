import type { Kysely } from 'kysely';
import { compileStatement } from '../../src/storage/compile.js';
import type { Database, Param, Query, Schema } from '../../src/storage/database.js';

/** The SQL of all that a store asks of its database, by the names of the statements. */
export function statementsOf(
  database: Database,
  createStore: (database: Database) => unknown,
): ReadonlyMap<string, string> {
  const statements = new Map<string, string>();
  createStore({
    ...database,
    prepare: <Args, Row>(name: string, build: (param: Param<Args>, db: Kysely<Schema>) => Query<Row>) => {
      statements.set(name, compileStatement(database.kysely, build).sql);
      return database.prepare(name, build);
    },
  });
  return statements;
}
