import type { Database } from './database.js';

/** How many rows there are, without counting them each time: that is the work of a whole table. */
export interface QueueSize {
  /** Adds a row by `add`, unless there are `most`. What `add` says it has removed counts. */
  reserve<T extends { readonly superseded: number; readonly dropped: number }>(
    most: number,
    add: () => Promise<T>,
  ): Promise<T | { readonly kind: 'full' }>;
  /** So many were removed; answers the same. */
  shrink(count: number): number;
  /** Counts them, those of other processes too. */
  count(): Promise<number>;
}

/** It counts when it is asked first, and knows from then on what this process does. */
export function createQueueSize(database: Database): QueueSize {
  const countRows = prepareCount(database);
  let first: Promise<unknown> | undefined;
  let known = 0;
  /** Rows that are being added. */
  let reserved = 0;

  async function count(): Promise<number> {
    known = Number((await countRows({})).rows[0]?.count ?? 0);
    return known;
  }

  /** One that fails is followed by another. */
  function learn(): Promise<unknown> {
    first ??= count().catch((error: unknown) => {
      first = undefined;
      throw error;
    });
    return first;
  }

  return {
    async reserve(most, add) {
      await learn();
      if (known + reserved >= most) return { kind: 'full' };
      reserved++;
      try {
        const added = await add();
        known += 1 - added.superseded - added.dropped;
        return added;
      } finally {
        reserved--;
      }
    },
    shrink(removed) {
      known -= removed;
      return removed;
    },
    count,
  };
}

function prepareCount(database: Database) {
  return database.prepare<object, { count: number | string | bigint }>('web_push_queue_count', (_param, db) =>
    db.selectFrom('web_push_queue').select(({ fn }) => fn.countAll().as('count')),
  );
}
