import { beforeEach, describe, expect, it } from 'vitest';
import { type BatchInserts, createBatchInserts } from './batch-inserts.js';
import { StorageError } from './errors.js';

interface Row {
  readonly id: number;
  readonly message: string;
}

interface Run {
  readonly name: string;
  readonly text: string;
  readonly rows: readonly Row[];
  end(error?: Error): void;
}

const columns = {
  id: 'bigint',
  account_id: 'bigint',
  with_bare: 'text',
  with_resource: 'text',
  message: 'text',
} as const;

/** Lets everything happen that waits for nobody. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

describe('createBatchInserts', () => {
  let runs: Run[];
  let inserts: BatchInserts;
  let add: (id: number, message?: string) => Promise<string>;

  beforeEach(() => {
    const begun: Run[] = [];
    runs = begun;
    inserts = createBatchInserts(
      (name, text, value) =>
        new Promise<void>((resolve, reject) => {
          const end = (error?: Error) => (error === undefined ? resolve() : reject(error));
          begun.push({ name, text, rows: JSON.parse(value), end });
        }),
    );
    const insert = inserts.prepare('archive', columns);
    add = (id, message = '') =>
      insert({ id, message }).then(
        () => 'stored',
        (error: unknown) => (error instanceof StorageError ? error.code : 'odd'),
      );
  });
  const idsOf = (run: Run | undefined) => run?.rows.map(({ id }) => id);

  it('writes all rows of a turn by one statement, whose text does not depend on them', async () => {
    const ends = [add(1, `"quoted" 'text' \\ \n`), add(2)];
    await settle();
    expect(runs).toHaveLength(1);
    expect(runs[0]?.rows).toEqual([
      { id: 1, message: `"quoted" 'text' \\ \n` },
      { id: 2, message: '' },
    ]);
    expect(runs[0]?.name).toBe('archive_insert');
    expect(runs[0]?.text).toBe(
      'insert into archive (id, account_id, with_bare, with_resource, message) ' +
        'select id, account_id, with_bare, with_resource, message ' +
        'from json_to_recordset($1::json) as given (id bigint, account_id bigint, with_bare text, with_resource text, message text)',
    );
    runs[0]?.end();
    expect(await Promise.all(ends)).toEqual(['stored', 'stored']);
  });

  it('writes what comes meanwhile when the statement has ended, and not before', async () => {
    const first = add(1);
    await settle();
    const later = [add(2), add(3)];
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]?.end();
    expect(await first).toBe('stored');
    await settle();
    expect(idsOf(runs[1])).toEqual([2, 3]);
    runs[1]?.end();
    await Promise.all(later);
    const again = add(4);
    await settle();
    runs[2]?.end();
    expect(await again).toBe('stored');
  });

  it('makes a statement no longer than it may be', async () => {
    for (let id = 0; id < 700; id++) void add(id);
    await settle();
    expect(runs[0]?.rows).toHaveLength(500);
    runs[0]?.end();
    await settle();
    expect(idsOf(runs[1])?.[0]).toBe(500);
    runs[1]?.end();
    await settle();
    for (let id = 0; id < 3; id++) void add(id, 'x'.repeat(600_000));
    await settle();
    expect(idsOf(runs[2])).toEqual([0]);
    runs[2]?.end();
    await settle();
    expect(idsOf(runs[3])).toEqual([1]);
  });

  it('lets a row that breaks a rule fail alone, the others in order', async () => {
    const ends = [add(1), add(2), add(3)];
    await settle();
    runs[0]?.end(new StorageError('a foreign key', '23503'));
    await settle();
    expect(idsOf(runs[1])).toEqual([1]);
    runs[1]?.end();
    await settle();
    expect(idsOf(runs[2])).toEqual([2]);
    runs[2]?.end(new StorageError('a foreign key', '23503'));
    await settle();
    runs[3]?.end();
    expect(await Promise.all(ends)).toEqual(['stored', '23503', 'stored']);
    expect(runs).toHaveLength(4);
  });

  it('fails all rows when the database fails, without trying each', async () => {
    const ends = [add(1), add(2)];
    await settle();
    runs[0]?.end(new StorageError('gone', 'ECONNRESET'));
    expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET']);
    const next = add(3);
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]?.end();
    expect(await next).toBe('stored');
  });

  it('refuses more than may wait', async () => {
    const ends = Array.from({ length: 10_001 }, (_, id) => add(id));
    expect(await ends.at(-1)).toBe('EBUSY');
  });

  it('settles when nothing is under way', async () => {
    await inserts.settle();
    void add(1);
    let isSettled = false;
    void inserts.settle().then(() => {
      isSettled = true;
    });
    await settle();
    expect(isSettled).toBe(false);
    runs[0]?.end();
    await settle();
    expect(isSettled).toBe(true);
  });
});
