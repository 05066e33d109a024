import type { Database as SqliteDatabase } from 'better-sqlite3';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { startPostgres } from './postgres.js';

/** How SQLite finds what a statement asks for, by the statement's name; `value` stands for each of its parameters. */
export function sqlitePlans(
  connection: SqliteDatabase,
  statements: ReadonlyMap<string, string>,
  value: number | string,
): (name: string) => string {
  return (name) => {
    const text = statements.get(name) ?? '';
    const values = Array.from(text.matchAll(/\?/g), () => value);
    const plan = connection
      .prepare<(number | string)[], { detail: string }>(`explain query plan ${text}`)
      .all(...values);
    return plan.map(({ detail }) => detail).join('\n');
  };
}

/** A database of PostgreSQL for this test alone, and a connection to it beside those of the storage. */
export async function freshPostgres(): Promise<{ readonly url: string; readonly client: pg.Client }> {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const url = server.url(await server.createDatabase());
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return { url, client };
}

/** How PostgreSQL would, whatever the values are; each may be asked for once on a connection. */
export async function postgresPlans(
  client: pg.Client,
  statements: ReadonlyMap<string, string>,
): Promise<(name: string) => Promise<string>> {
  await client.query('set plan_cache_mode = force_generic_plan');
  return async (name) => {
    const text = statements.get(name) ?? '';
    const values = Array.from({ length: new Set(text.match(/\$\d+/g)).size }, () => 'null').join(', ');
    await client.query(`prepare ${name} as ${text}`);
    const { rows } = await client.query(
      `explain (costs off) execute ${name}${values === '' ? '' : `(${values})`}`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  };
}
