import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.js';

/** The members of a JSON list. */
export function idsIn({ kind }: Pick<Database, 'kind'>, list: RawBuilder<string>): RawBuilder<number> {
  return kind === 'sqlite'
    ? sql`(select value from json_each(${list}))`
    : sql`(select value::bigint from json_array_elements_text(${list}::json) as given (value))`;
}
