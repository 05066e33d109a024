import type { Kysely } from 'kysely';
import type { NotifyStore, RegistrationKey, StoredRegistration } from '../services/notify/store.js';
import type { Database, Param, Schema } from './database.js';
import { StorageError } from './errors.js';
import { textHash } from './text-hash.js';

interface Key {
  readonly account: string;
  readonly channel: string;
  readonly addressHash: string;
}

interface Row extends Omit<StoredRegistration, 'account' | 'restsSince'> {
  readonly restsSince: number | null;
}

/** Registrations of devices, a row each. They belong to accounts of the embedded server, and go with them. */
export function createNotifyStore(database: Database): NotifyStore {
  const list = prepareList(database);
  const save = prepareSave(database);
  const setHealth = prepareSetHealth(database);
  const remove = prepareRemove(database);
  const removeAccount = prepareRemoveAccount(database);
  return {
    async list(account) {
      const { rows } = await list({ account });
      return rows.map((row) => ({ ...row, account, restsSince: row.restsSince ?? undefined }));
    },
    async save(registration) {
      const { restsSince = null } = registration;
      const { changes } = await save({ ...registration, ...keyOf(registration), restsSince });
      if (changes === 0) throw new StorageError('there is no such account', 'ENOENT');
    },
    async setHealth(key, { failures, restsSince = null }) {
      await setHealth({ ...keyOf(key), failures, restsSince });
    },
    remove: async (key) => (await remove(keyOf(key))).changes > 0,
    removeAccount: async (account) => (await removeAccount({ account })).changes,
  };
}

function keyOf({ account, channel, address }: RegistrationKey): Key {
  return { account, channel, addressHash: textHash(address) };
}

function prepareList(database: Database) {
  return database.prepare<{ account: string }, Row>('notify_registrations_list', (param, db) =>
    db
      .selectFrom('notify_registrations')
      .select(['channel', 'client', 'address', 'details', 'failures'])
      .select(['enabled_at as enabledAt', 'rests_since as restsSince'])
      .where('account_id', '=', ownerOf(db, param))
      .orderBy('enabled_at'),
  );
}

/** One statement, so that what is replaced never goes without what replaces it. It writes nothing if there is no such account. */
function prepareSave(database: Database) {
  return database.prepare<Key & Row, unknown>('notify_registrations_save', (param, db) => {
    const row = newRow(db, param);
    if (database.kind === 'sqlite') {
      return db.replaceInto('notify_registrations').columns(columns).expression(row);
    }
    return db
      .with('gone', (cte) =>
        cte
          .deleteFrom('notify_registrations')
          .where('account_id', '=', ownerOf(db, param))
          .where('channel', '=', param('channel'))
          .where(({ or, eb }) =>
            or([eb('address_hash', '=', param('addressHash')), eb('client', '=', param('client'))]),
          )
          .returning('channel'),
      )
      .insertInto('notify_registrations')
      .columns(columns)
      .expression(({ selectFrom }) => {
        const gone = selectFrom('gone').select(({ fn }) => fn.countAll<number>().as('count'));
        // Asked how many are gone, it does not begin before they are.
        return row.where(gone, '>=', 0);
      });
  });
}

const columns = [
  ...(['account_id', 'channel', 'address_hash', 'client', 'address', 'details'] as const),
  ...(['enabled_at', 'failures', 'rests_since'] as const),
];

/** The row of `columns` that is to be written; none if there is no such account. */
function newRow(db: Kysely<Schema>, param: Param<Key & Row>) {
  return db
    .selectFrom('accounts')
    .select(({ cast }) => [
      'id',
      cast<string>(param('channel'), 'text').as('channel'),
      cast<string>(param('addressHash'), 'text').as('address_hash'),
      cast<string>(param('client'), 'text').as('client'),
      cast<string>(param('address'), 'text').as('address'),
      cast<string>(param('details'), 'text').as('details'),
      cast<number>(param('enabledAt'), 'bigint').as('enabled_at'),
      cast<number>(param('failures'), 'bigint').as('failures'),
      cast<number | null>(param('restsSince'), 'bigint').as('rests_since'),
    ])
    .where('bare_jid', '=', param('account'));
}

function prepareSetHealth(database: Database) {
  return database.prepare<Key & Pick<Row, 'failures' | 'restsSince'>, unknown>(
    'notify_registrations_set_health',
    (param, db) =>
      db
        .updateTable('notify_registrations')
        .set({ failures: param('failures'), rests_since: param('restsSince') })
        .where('account_id', '=', ownerOf(db, param))
        .where('channel', '=', param('channel'))
        .where('address_hash', '=', param('addressHash')),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<Key, unknown>('notify_registrations_remove', (param, db) =>
    db
      .deleteFrom('notify_registrations')
      .where('account_id', '=', ownerOf(db, param))
      .where('channel', '=', param('channel'))
      .where('address_hash', '=', param('addressHash')),
  );
}

function prepareRemoveAccount(database: Database) {
  return database.prepare<{ account: string }, unknown>('notify_registrations_remove_account', (param, db) =>
    db.deleteFrom('notify_registrations').where('account_id', '=', ownerOf(db, param)),
  );
}

/** The id of the account. */
function ownerOf<Args extends { readonly account: string }>(db: Kysely<Schema>, param: Param<Args>) {
  return db.selectFrom('accounts').select('id').where('bare_jid', '=', param('account'));
}
