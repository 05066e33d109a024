import type { Columns, Schema } from './database.js';
import { StorageError } from './errors.js';

/** Rows that may wait for a table. */
const maxWaiting = 10_000;
/** Rows and characters of one statement. */
const maxRows = 500;
const maxCharacters = 1024 * 1024;

/** Runs a statement with one value. Rejects with a `StorageError`. */
type Run = (name: string, text: string, value: string) => Promise<unknown>;

interface Waiting {
  /** As JSON. */
  readonly row: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface BatchInserts {
  /** As `Database.prepareInsert`. */
  prepare<Table extends keyof Schema>(table: Table, columns: Columns<Table>): (row: object) => Promise<void>;
  /** Waits until nothing is under way. */
  settle(): Promise<void>;
}

/**
 * Inserts of many rows at once, for a server that would otherwise wait for the disk and the network with each of them. For
 * one table there is one statement at a time: what comes meanwhile is the next.
 */
export function createBatchInserts(run: Run): BatchInserts {
  const batches: BatchInsert[] = [];
  return {
    prepare(table, columns) {
      const batch = new BatchInsert((rows) => run(`${table}_insert`, insertText(table, columns), rows));
      batches.push(batch);
      return (row) => batch.add(row);
    },
    settle: async () => void (await Promise.all(batches.map((batch) => batch.settle()))),
  };
}

/** The rows are one parameter: the statement is the same however many they are. */
function insertText(table: string, columns: Readonly<Record<string, 'bigint' | 'text'>>): string {
  const names = Object.keys(columns).join(', ');
  const typed = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  return `insert into ${table} (${names}) select ${names} from json_to_recordset($1::json) as given (${typed.join(', ')})`;
}

class BatchInsert {
  readonly #insert: (rows: string) => Promise<unknown>;
  #waiting: Waiting[] = [];
  #underWay: Promise<void> | undefined;

  constructor(insert: (rows: string) => Promise<unknown>) {
    this.#insert = insert;
  }

  add(row: object): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= maxWaiting) {
        reject(new StorageError(`${maxWaiting} rows wait for the database already`, 'EBUSY'));
        return;
      }
      this.#waiting.push({ row: JSON.stringify(row), resolve, reject });
      this.#underWay ??= this.#work();
    });
  }

  async settle(): Promise<void> {
    await this.#underWay;
  }

  async #work(): Promise<void> {
    // After the sockets that are readable in this turn: what they bring goes along.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, sizeOfNext(this.#waiting));
      this.#waiting = this.#waiting.slice(batch.length);
      await this.#write(batch);
    }
    this.#underWay = undefined;
  }

  /** A batch in which a row breaks a rule of the schema is written row by row. */
  async #write(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#insert(`[${batch.map(({ row }) => row).join(',')}]`);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length > 1 && isOfOneRow(error)) for (const one of batch) await this.#write([one]);
      else for (const { reject } of batch) reject(error);
    }
  }
}

function sizeOfNext(waiting: readonly Waiting[]): number {
  let characters = 0;
  const tooMany = waiting.findIndex(({ row }, at) => {
    characters += row.length;
    return at === maxRows || (at > 0 && characters > maxCharacters);
  });
  return tooMany === -1 ? waiting.length : tooMany;
}

/** Class 22 is data that a column cannot take, class 23 a constraint (PostgreSQL, appendix A). */
function isOfOneRow(error: unknown): boolean {
  return error instanceof StorageError && /^2[23]/.test(error.code);
}
