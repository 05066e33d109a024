import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { Events } from '../observability/events.js';
import { createBatchInserts } from './batch-inserts.js';
import { compileStatement } from './compile.js';
import type { Build, Database, Result, Schema, Statement } from './database.js';
import { StorageError, StorageOpenError } from './errors.js';
import { explainPostgres, parseTarget } from './postgres-problems.js';

const maxConnections = 10;
/** Queries that may wait for a connection; each waits at most `connectTimeout`. */
const maxWaiting = 1000;
/** Milliseconds: for a connection; for a statement on the server; for its answer, if the network swallows it. */
const connectTimeout = 5000;
const statementTimeout = 5000;
const answerTimeout = 8000;
const idleTimeout = 60_000;

/** A query with the time limit that pg takes per query and its types leave out. */
interface TimedQuery extends pg.QueryConfig<unknown[]> {
  readonly query_timeout: number;
}

/**
 * Connects a pool. A connection that breaks while it is idle is reported and replaced; queries on a broken one
 * reject, later ones get a new connection. Throws `StorageOpenError`, in whose message is no password.
 */
export async function openPostgres(url: string, events: Pick<Events, 'storageFailed'>): Promise<Database> {
  const target = parseTarget(url);
  const pool = createPool(url, events);
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  try {
    await requireUtf8(kysely);
  } catch (error) {
    await pool.end();
    throw explainPostgres(target, error);
  }
  const inserts = createBatchInserts((name, text, value) => run(pool, { name, text, values: [value] }));
  return {
    kind: 'postgres',
    kysely,
    prepare: <Args, Row>(name: string, build: Build<Args, Row>) => {
      const { sql: text, values } = compileStatement(kysely, build);
      return prepare<Args, Row>(pool, name, text, values);
    },
    prepareSequence(name, lock, builds) {
      const compiled = builds.map((build) => compileStatement(kysely, build));
      return (args) =>
        runSequence(
          pool,
          lock(args),
          compiled.map(({ sql: text, values }, at) => ({
            ...{ name: `${name}_${at + 1}`, text },
            values: values(args),
          })),
        );
    },
    prepareInsert: (table, columns) => inserts.prepare(table, columns),
    beginExclusive,
    explain: (error) => explainPostgres(target, error),
    async close() {
      await inserts.settle();
      await pool.end();
    },
  };
}

function createPool(url: string, events: Pick<Events, 'storageFailed'>): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'belfry',
    max: maxConnections,
    connectionTimeoutMillis: connectTimeout,
    idleTimeoutMillis: idleTimeout,
    statement_timeout: statementTimeout,
    keepAlive: true,
    types: { getTypeParser },
  });
  pool.on('error', (error) =>
    events.storageFailed({ what: 'idle database connection', error: StorageError.from(error) }),
  );
  // A client outside the pool's care (in a transaction) also emits `error`; without a listener the process would end.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Times are bigint, which pg gives as text; Unix seconds fit a number. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: unknown) =>
  oid === pg.types.builtins.INT8
    ? Number
    : pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text');

/** The advisory lock under which processes on one database migrate one after another. */
const migrationLock = 0x62656c66;

async function beginExclusive(connection: Kysely<Schema>): Promise<void> {
  await sql`begin`.execute(connection);
  await sql`set local statement_timeout = 0`.execute(connection);
  await sql`set local lock_timeout = '60s'`.execute(connection);
  await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(connection);
}

async function requireUtf8(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ server_encoding: string }>`show server_encoding`.execute(db);
  const encoding = rows[0]?.server_encoding;
  if (encoding === 'UTF8') return;
  throw new StorageOpenError(
    `The database has the encoding ${encoding}; JIDs need UTF8.`,
    "Make it anew with createdb --encoding=UTF8 --template=template0, and point 'storage' there.",
  );
}

function prepare<Args, Row>(
  pool: pg.Pool,
  name: string,
  text: string,
  values: (args: Args) => unknown[],
): Statement<Args, Row> {
  return (args) => run(pool, { name, text, values: values(args) });
}

interface NamedQuery {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

async function run<Row>(pool: pg.Pool, query: NamedQuery): Promise<Result<Row>> {
  refuseCrowd(pool);
  try {
    const { rows, rowCount } = await pool.query(timed(query));
    return { rows, changes: rowCount ?? 0 };
  } catch (error) {
    throw StorageError.from(error);
  }
}

function refuseCrowd(pool: pg.Pool): void {
  if (pool.waitingCount < maxWaiting) return;
  throw new StorageError(`${maxWaiting} queries wait for a database connection already`, 'EBUSY');
}

function timed(query: Omit<NamedQuery, 'name'>): TimedQuery {
  return { ...query, query_timeout: answerTimeout };
}

/** The advisory locks of sequences; with a second number, they are none of those with one. */
const sequenceLock = 0x62656c66;

/**
 * One transaction. Its statements see what others with the lock have committed: a statement that took the lock itself would see
 * what there was when it began to wait.
 */
async function runSequence<Row>(
  pool: pg.Pool,
  lock: string,
  queries: readonly NamedQuery[],
): Promise<readonly (readonly Row[])[]> {
  refuseCrowd(pool);
  let client: pg.PoolClient | undefined;
  try {
    client = await pool.connect();
    await client.query(timed({ text: 'begin', values: [] }));
    const take = 'select pg_advisory_xact_lock($1::integer, hashtext($2))';
    await client.query(timed({ text: take, values: [sequenceLock, lock] }));
    const results: Row[][] = [];
    for (const query of queries) results.push((await client.query<Row & object>(timed(query))).rows);
    await client.query(timed({ text: 'commit', values: [] }));
    client.release();
    return results;
  } catch (error) {
    // With its connection, whatever state that is in, the transaction ends.
    client?.release(true);
    throw StorageError.from(error);
  }
}
