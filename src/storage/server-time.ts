import type { Events } from '../observability/events.js';
import { openPostgres } from './postgres.js';

/** What the clock of a PostgreSQL server says, in Unix milliseconds. Throws `StorageOpenError` or `StorageError`. */
export async function readServerTime(
  url: string,
  { events }: { events: Pick<Events, 'storageFailed'> },
): Promise<number> {
  const database = await openPostgres(url, events);
  try {
    const read = database.prepare<object, { seconds: number }>('server_time', (_param, db) =>
      db.selectNoFrom(({ fn, val }) => fn<number>('date_part', [val('epoch'), fn('now', [])]).as('seconds')),
    );
    const { rows } = await read({});
    return (rows[0]?.seconds ?? Number.NaN) * 1000;
  } finally {
    await database.close();
  }
}
