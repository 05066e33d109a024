import { setTimeout as sleep } from 'node:timers/promises';
import type Sqlite from 'better-sqlite3';
import { StorageError } from './errors.js';

/** Writes that may wait while another process holds the lock. */
const maxWaiting = 10_000;

/** Writes in a transaction from which on the disk counts as busy. */
const crowd = 10;
/** How much longer than such a transaction the event loop has for other work, before the next one stops it again. */
const restFactor = 3;
/** The longest such rest, in milliseconds. */
const maxRest = 20;

/** The clock of a group commit, in milliseconds. */
interface Time {
  now(): number;
  pause(milliseconds: number): Promise<unknown>;
}

const realTime: Time = { now: () => performance.now(), pause: (milliseconds) => sleep(milliseconds) };

interface Write {
  /** Does it; what it returns tells whoever waits, once it is on disk. */
  readonly run: () => () => void;
  readonly reject: (error: StorageError) => void;
}

/** Runs writes in transactions of many, so that they share one wait for the disk. */
export interface GroupCommit {
  /** Resolves with what `run` returned when it is on disk; rejects with a `StorageError`, and then nothing is. */
  write<T>(run: () => T): Promise<T>;
  /** Waits until nothing is under way. */
  settle(): Promise<void>;
}

/**
 * All writes that are asked for in a turn of the event loop, and while another process has the lock, are one
 * transaction. `begin` begins it, and waits for the lock without stopping the event loop. When there are many writes, more
 * are gathered, so that the disk has the event loop for a quarter of the time and not for most of it.
 */
export function createGroupCommit(
  connection: Sqlite.Database,
  begin: () => Promise<void>,
  time: Time = realTime,
): GroupCommit {
  let waiting: Write[] = [];
  let underWay: Promise<void> | undefined;
  let restUntil = Number.NEGATIVE_INFINITY;

  function gather(): Promise<unknown> {
    const rest = restUntil - time.now();
    // After the sockets that are readable in this turn: what they bring goes along.
    return rest < 1 ? new Promise(setImmediate) : time.pause(rest);
  }

  function runAndRest(group: readonly Write[]): void {
    const began = time.now();
    runGroup(connection, group);
    const ended = time.now();
    if (group.length >= crowd) restUntil = ended + Math.min(maxRest, restFactor * (ended - began));
  }

  async function commitWaiting(): Promise<void> {
    await gather();
    const failure = await begin().then(
      () => undefined,
      (error: unknown) => StorageError.from(error),
    );
    const group = waiting;
    waiting = [];
    if (failure === undefined) runAndRest(group);
    else for (const { reject } of group) reject(failure);
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) await commitWaiting();
    underWay = undefined;
  }

  return {
    write: <T>(run: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (waiting.length >= maxWaiting) {
          reject(new StorageError(`${maxWaiting} writes wait for the database already`, 'EBUSY'));
          return;
        }
        const runAndTell = () => {
          const result = run();
          return () => resolve(result);
        };
        waiting.push({ run: runAndTell, reject });
        underWay ??= work();
      }),
    settle: async () => underWay,
  };
}

/** Runs the writes and commits. One that breaks a rule of the schema fails alone; a failing disk fails them all. */
function runGroup(connection: Sqlite.Database, group: readonly Write[]): void {
  let ends: (() => void)[];
  try {
    ends = group.map((write) => runAlone(connection, write));
    connection.exec('commit');
  } catch (error) {
    rollBack(connection);
    const failure = StorageError.from(error);
    ends = group.map(
      ({ reject }) =>
        () =>
          reject(failure),
    );
  }
  for (const end of ends) end();
}

/** Throws if SQLite has ended the transaction, which it does when it cannot write. */
function runAlone(connection: Sqlite.Database, { run, reject }: Write): () => void {
  try {
    return run();
  } catch (error) {
    if (!connection.inTransaction) throw error;
    return () => reject(StorageError.from(error));
  }
}

function rollBack(connection: Sqlite.Database): void {
  try {
    if (connection.inTransaction) connection.exec('rollback');
  } catch {
    // The disk that failed the commit may fail this too; the next transaction then says so.
  }
}
