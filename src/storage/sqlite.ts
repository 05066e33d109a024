import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { type CompiledStatement, compileStatement } from './compile.js';
import type { Build, Database, Result, Schema, Statement } from './database.js';
import { codeOf, messageOf, StorageError, StorageOpenError } from './errors.js';
import { createGroupCommit, type GroupCommit } from './group-commit.js';

/** Milliseconds for which a statement is tried again while another process writes. */
const busyTimeout = 5000;
/** Milliseconds between two attempts. */
const busyPause = 20;
/**
 * Pages (of 4 KiB) in the WAL before they are written to their places, which takes two waits for the disk more and stops
 * the event loop. Archives write to many pages again and again: four times SQLite's usual number saves a fifth of the CPU.
 */
const checkpointPages = 4000;

/**
 * Opens the database file, and makes it (mode 0600) and its folder (mode 0700) if they are missing. Several processes
 * may have it open. Throws `StorageOpenError`.
 */
export async function openSqlite(file: string): Promise<Database> {
  const connection = await connect(file);
  const kysely = new Kysely<Schema>({ dialect: new SqliteDialect({ database: connection }) });
  const begin = () => retryWhileBusy(() => void connection.exec('begin immediate'));
  const commits = createGroupCommit(connection, begin);
  return {
    kind: 'sqlite',
    kysely,
    prepare: <Args, Row>(_name: string, build: Build<Args, Row>) => {
      const { sql, values } = compileStatement(kysely, build);
      return prepare<Args, Row>(connection, commits, sql, values);
    },
    prepareSequence: (_name, _lock, builds) =>
      prepareSequence(
        connection,
        commits,
        builds.map((build) => compileStatement(kysely, build)),
      ),
    prepareInsert: (table, columns) => prepareInsert(connection, commits, table, Object.keys(columns)),
    beginExclusive: begin,
    explain: (error) => explain(file, error),
    async close() {
      await commits.settle();
      connection.close();
    },
  };
}

async function connect(file: string): Promise<Sqlite.Database> {
  let connection: Sqlite.Database | undefined;
  try {
    createPrivately(file);
    const opened = new Sqlite(file, { timeout: 0 });
    connection = opened;
    // Of two processes that switch a new file to WAL, one is refused at once, however long its timeout is.
    await retryWhileBusy(() => opened.pragma('journal_mode = WAL'));
    // Each commit is on disk before it is acknowledged; WAL's usual NORMAL may lose the last ones with the power.
    opened.pragma('synchronous = FULL');
    opened.pragma('foreign_keys = ON');
    opened.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    return opened;
  } catch (error) {
    connection?.close();
    throw explain(file, error);
  }
}

/**
 * Tries until it succeeds, fails for another reason or `busyTimeout` is over. SQLite's own waiting is switched off: it
 * would stop the event loop, and with it all pushes, and a holder of the lock in this process.
 */
async function retryWhileBusy<T>(action: () => T): Promise<T> {
  const deadline = performance.now() + busyTimeout;
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (!codeOf(error).startsWith('SQLITE_BUSY') || performance.now() > deadline) throw error;
    }
    await pause(busyPause);
  }
}

/** SQLite gives its -wal and -shm files the mode of the database, and makes the database itself by the umask. */
function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
}

function prepare<Args, Row>(
  connection: Sqlite.Database,
  commits: GroupCommit,
  sql: string,
  values: (args: Args) => unknown[],
): Statement<Args, Row> {
  const statement = connection.prepare<unknown[], Row>(sql);
  const run = (bound: unknown[]) => runStatement(statement, bound);
  if (!statement.readonly) return async (args) => commits.write(() => run(values(args)));
  return async (args) => {
    try {
      const bound = values(args);
      return await retryWhileBusy(() => run(bound));
    } catch (error) {
      throw StorageError.from(error);
    }
  };
}

function runStatement<Row>(statement: Sqlite.Statement<unknown[], Row>, bound: unknown[]): Result<Row> {
  return statement.reader
    ? { rows: statement.all(bound), changes: 0 }
    : { rows: [], changes: statement.run(bound).changes };
}

/** Who writes is alone: there is nothing else to lock. */
function prepareSequence<Args, Row>(
  connection: Sqlite.Database,
  commits: GroupCommit,
  compiled: readonly CompiledStatement<Args>[],
): (args: Args) => Promise<readonly (readonly Row[])[]> {
  const statements = compiled.map(({ sql, values }) => ({
    statement: connection.prepare<unknown[], Row>(sql),
    values,
  }));
  // Within the transaction of all, it is a savepoint.
  const runAll = connection.transaction((args: Args) =>
    statements.map(({ statement, values }) => runStatement(statement, values(args)).rows),
  );
  return (args) => commits.write(() => runAll(args));
}

function prepareInsert<Row extends object>(
  connection: Sqlite.Database,
  commits: GroupCommit,
  table: string,
  columns: readonly string[],
): (row: Row) => Promise<void> {
  const values = columns.map((column) => `:${column}`);
  const statement = connection.prepare<Row>(
    `insert into ${table} (${columns.join(', ')}) values (${values.join(', ')})`,
  );
  return (row) => commits.write(() => void statement.run(row));
}

const damaged = 'Move the file away and restore it from a backup, or let Belfry make a new one.';

/** Problems that have one remedy, by how their code begins. */
const problems: readonly { codes: RegExp; text: string; remedy: string }[] = [
  {
    codes: /^(EACCES|EPERM|EROFS|SQLITE_CANTOPEN|SQLITE_READONLY|SQLITE_PERM)/,
    text: 'may not be written',
    remedy:
      'Make the file and its folder belong to the user that Belfry runs as, or set data_dir to another place.',
  },
  {
    codes: /^(ENOTDIR|EEXIST|EISDIR|ENOENT|ELOOP|ENAMETOOLONG)/,
    text: 'is not a possible place for a file',
    remedy: 'Set data_dir to a folder, or to a path where Belfry can make one.',
  },
  {
    codes: /^SQLITE_NOTADB/,
    text: 'is not an SQLite database',
    remedy: damaged,
  },
  { codes: /^SQLITE_CORRUPT/, text: 'is damaged', remedy: damaged },
  {
    codes: /^(SQLITE_BUSY|SQLITE_LOCKED)/,
    text: 'is locked by another process',
    remedy: 'Find what holds it (a database shell with an open transaction, a backup) and end that.',
  },
  {
    codes: /^(ENOSPC|EDQUOT|EFBIG|SQLITE_FULL|SQLITE_IOERR)/,
    text: 'could not be written: the disk is full or fails',
    remedy: 'Make room, and look at the system log for disk errors.',
  },
];

function explain(file: string, error: unknown): StorageOpenError {
  if (error instanceof StorageOpenError) return error;
  const code = codeOf(error);
  const known = problems.find(({ codes }) => codes.test(code));
  return known === undefined
    ? new StorageOpenError(`The database ${file} cannot be opened: ${messageOf(error)}`, 'Check data_dir.')
    : new StorageOpenError(`The database ${file} ${known.text} (${code}).`, known.remedy);
}
