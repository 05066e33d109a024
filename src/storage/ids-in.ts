import { type Expression, type RawBuilder, sql } from 'kysely';
import type { Database } from './database.js';

/** The members of a JSON list. */
export function idsIn({ kind }: Pick<Database, 'kind'>, list: RawBuilder<string>): RawBuilder<number> {
  return kind === 'sqlite'
    ? sql`(select value from json_each(${list}))`
    : sql`(select value::bigint from json_array_elements_text(${list}::json) as given (value))`;
}

/** The same of texts. */
export function textsIn({ kind }: Pick<Database, 'kind'>, list: RawBuilder<string>): RawBuilder<string> {
  return kind === 'sqlite'
    ? sql`(select value from json_each(${list}))`
    : sql`(select value from json_array_elements_text(${list}::json) as given (value))`;
}

/**
 * Whether `id` is one of the few that a query finds. PostgreSQL, which knows not how few they are, would read the whole table
 * for them if they were not in an array.
 */
export function isIdOf({ kind }: Pick<Database, 'kind'>, query: Expression<unknown>): RawBuilder<boolean> {
  return kind === 'sqlite' ? sql`id in ${query}` : sql`id = any(array${query})`;
}
