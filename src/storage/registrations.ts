import type {
  NewRegistration,
  RegistrationStore,
  StoredRegistration,
} from '../services/unified-push/store.js';
import type { Database } from './database.js';

const columns = [
  'bare_jid as bareJid',
  'resource',
  'application',
  'instance',
  'expires_at as expiresAt',
  'revision',
] as const;

/** The `storage` backend's registrations. */
export function createRegistrationStore(database: Database): RegistrationStore {
  const save = prepareSave(database);
  const find = prepareFind(database);
  const countOthers = prepareCountOthers(database);
  const remove = prepareRemove(database);
  const removeAccount = prepareRemoveAccount(database);
  const sweep = prepareSweep(database);
  return {
    async save(registration) {
      const [row] = (await save(registration)).rows;
      if (row === undefined) throw new Error('the upsert of a registration returned no row');
      return row.seed;
    },
    find: async (idHash) => (await find({ idHash })).rows[0],
    countOthers: async (registration) => Number((await countOthers(registration)).rows[0]?.others ?? 0),
    remove: async (idHash, revision) => (await remove({ idHash, revision })).changes > 0,
    removeAccount: async (bareJid) => (await removeAccount({ bareJid })).changes,
    sweep: async (now, limit) => (await sweep({ now: Math.ceil(now), limit })).changes,
  };
}

/** One statement, so that two processes cannot make two seeds for one key. */
function prepareSave(database: Database) {
  return database.prepare<NewRegistration, { seed: Uint8Array }>('registrations_save', (param, db) =>
    db
      .insertInto('unified_push_registrations')
      .values({
        id_hash: param('idHash'),
        seed: param('seed'),
        bare_jid: param('bareJid'),
        resource: param('resource'),
        application: param('application'),
        instance: param('instance'),
        expires_at: param('expiresAt'),
      })
      .onConflict((conflict) =>
        conflict.columns(['bare_jid', 'application', 'instance']).doUpdateSet((eb) => ({
          resource: param('resource'),
          expires_at: param('expiresAt'),
          revision: eb('unified_push_registrations.revision', '+', 1),
        })),
      )
      .returning('seed'),
  );
}

function prepareFind(database: Database) {
  return database.prepare<{ idHash: Uint8Array }, StoredRegistration>('registrations_find', (param, db) =>
    db.selectFrom('unified_push_registrations').select(columns).where('id_hash', '=', param('idHash')),
  );
}

function prepareCountOthers(database: Database) {
  type Key = Pick<NewRegistration, 'bareJid' | 'application' | 'instance'>;
  return database.prepare<Key, { others: number | string | bigint }>(
    'registrations_count_others',
    (param, db) =>
      db
        .selectFrom('unified_push_registrations')
        .select(({ fn }) => fn.countAll().as('others'))
        .where('bare_jid', '=', param('bareJid'))
        .where((eb) =>
          eb.or([eb('application', '!=', param('application')), eb('instance', '!=', param('instance'))]),
        ),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<{ idHash: Uint8Array; revision: number }, unknown>(
    'registrations_remove',
    (param, db) =>
      db
        .deleteFrom('unified_push_registrations')
        .where('id_hash', '=', param('idHash'))
        .where('revision', '=', param('revision')),
  );
}

function prepareRemoveAccount(database: Database) {
  return database.prepare<Pick<NewRegistration, 'bareJid'>, unknown>(
    'registrations_remove_account',
    (param, db) => db.deleteFrom('unified_push_registrations').where('bare_jid', '=', param('bareJid')),
  );
}

/** On PostgreSQL a row that is being renewed, or swept by another process, is left alone. */
function prepareSweep(database: Database) {
  return database.prepare<{ now: number; limit: number }, unknown>('registrations_sweep', (param, db) =>
    db
      .with('expired', (cte) =>
        cte
          .selectFrom('unified_push_registrations')
          .select('id_hash')
          .where('expires_at', '<', param('now'))
          .orderBy('expires_at')
          .limit(param('limit'))
          .$if(database.kind === 'postgres', (query) => query.forUpdate().skipLocked()),
      )
      .deleteFrom('unified_push_registrations')
      .where('id_hash', 'in', (eb) => eb.selectFrom('expired').select('id_hash')),
  );
}
