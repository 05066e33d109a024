import { type Kysely, sql } from 'kysely';
import type { Build, Param, Schema } from './database.js';

/** SQL and how to order the arguments for it. */
export interface CompiledStatement<Args> {
  readonly sql: string;
  /** The values for the placeholders of `sql`, in their order. */
  values(args: Args): unknown[];
}

/** The value that kysely carries through to the compiled parameters, where an argument will be. */
class Placeholder<Args> {
  readonly read: (args: Args) => unknown;

  constructor(read: (args: Args) => unknown) {
    this.read = read;
  }
}

/** Builds and compiles a query once; the result can be run with any arguments. */
export function compileStatement<Args, Row>(
  db: Kysely<Schema>,
  build: Build<Args, Row>,
): CompiledStatement<Args> {
  const param: Param<Args> = (name) => sql`${new Placeholder<Args>((args) => args[name])}`;
  const compiled = build(param, db).compile();
  const readers = compiled.parameters.map((value) =>
    value instanceof Placeholder ? (args: Args) => value.read(args) : () => value,
  );
  return { sql: compiled.sql, values: (args) => readers.map((read) => read(args)) };
}
