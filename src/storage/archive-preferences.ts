import type { ArchivePreferences, ArchiveStore } from '../hosts/standalone/store.js';
import type { Database, Schema } from './database.js';

type Row = Schema['archive_preferences'];

/** What accounts have said of their archives, a row each. */
export function createArchivePreferences(
  database: Database,
): Pick<ArchiveStore, 'loadPreferences' | 'putPreferences'> {
  const load = prepareLoad(database);
  const put = preparePut(database);
  return {
    async loadPreferences(accountId) {
      const [row] = (await load({ accountId })).rows;
      return row && preferencesOf(row);
    },
    async putPreferences(accountId, { fallback, always, never }) {
      await put({
        ...{ account_id: accountId, fallback },
        always_jids: JSON.stringify(always),
        never_jids: JSON.stringify(never),
      });
    },
  };
}

function preferencesOf({ fallback, always_jids, never_jids }: Omit<Row, 'account_id'>): ArchivePreferences {
  return { fallback, always: jidsOf(always_jids), never: jidsOf(never_jids) };
}

function jidsOf(text: string): string[] {
  const jids: unknown = JSON.parse(text);
  return Array.isArray(jids) ? jids.map(String) : [];
}

function prepareLoad(database: Database) {
  return database.prepare<{ accountId: number }, Omit<Row, 'account_id'>>(
    'archive_preferences_load',
    (param, db) =>
      db
        .selectFrom('archive_preferences')
        .select(['fallback', 'always_jids', 'never_jids'])
        .where('account_id', '=', param('accountId')),
  );
}

function preparePut(database: Database) {
  return database.prepare<Row, unknown>('archive_preferences_put', (param, db) =>
    db
      .insertInto('archive_preferences')
      .values({
        account_id: param('account_id'),
        fallback: param('fallback'),
        always_jids: param('always_jids'),
        never_jids: param('never_jids'),
      })
      .onConflict((conflict) =>
        conflict.column('account_id').doUpdateSet((eb) => ({
          fallback: eb.ref('excluded.fallback'),
          always_jids: eb.ref('excluded.always_jids'),
          never_jids: eb.ref('excluded.never_jids'),
        })),
      ),
  );
}
