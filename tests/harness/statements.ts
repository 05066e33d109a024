import { compileStatement } from '../../src/storage/compile.js';
import type { Build, Database } from '../../src/storage/database.js';

/** The SQL of all that a store asks of its database, by the names of the statements. */
export function statementsOf(
  database: Database,
  createStore: (database: Database) => unknown,
): ReadonlyMap<string, string> {
  const statements = new Map<string, string>();
  createStore({
    ...database,
    prepare: <Args, Row>(name: string, build: Build<Args, Row>) => {
      statements.set(name, compileStatement(database.kysely, build).sql);
      return database.prepare(name, build);
    },
    prepareSequence(name, lock, builds) {
      for (const [at, build] of builds.entries())
        statements.set(`${name}_${at + 1}`, compileStatement(database.kysely, build).sql);
      return database.prepareSequence(name, lock, builds);
    },
  });
  return statements;
}
