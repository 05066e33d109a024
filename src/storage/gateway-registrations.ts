import { sql } from 'kysely';
import type { GatewayRegistration, GatewayStore, Place } from '../services/gateway/store.js';
import type { Build, Database, Schema } from './database.js';
import { textHash } from './text-hash.js';

type Row = Omit<GatewayRegistration, 'onlyImportant'> & { readonly onlyImportant: number };

interface NewRow extends Omit<Row, 'failures'> {
  readonly endpointHash: string;
  readonly most: number;
}

interface HashedPlace {
  readonly node: string;
  readonly endpointHash: string;
}

const columns = [
  ...(['node', 'account', 'device', 'endpoint', 'p256dh', 'auth', 'failures'] as const),
  ...(['only_important as onlyImportant', 'renewed_at as renewedAt'] as const),
];
const placeColumns = ['node', 'endpoint'] as const;

/** Registrations of the gateway, a row each. Their accounts may be of any server. */
export function createGatewayStore(database: Database): GatewayStore {
  const save = prepareSave(database);
  const find = prepareFind(database);
  const findByEndpoint = prepareFindByEndpoint(database);
  const list = prepareList(database);
  const setFailures = prepareSetFailures(database);
  const remove = prepareRemove(database);
  const removeDevice = prepareRemoveDevice(database);
  const removeAccount = prepareRemoveAccount(database);
  return {
    save: async (registration, most) => endOfSave(await save(rowOf(registration, most)), registration),
    find: async (node) => (await find({ node })).rows.map(registrationOf)[0],
    async findByEndpoint(endpoint, owner, most) {
      const { rows } = await findByEndpoint({ endpointHash: textHash(endpoint), owner, most });
      return rows.map(registrationOf);
    },
    list: async (account) => (await list({ account })).rows.map(registrationOf),
    async setFailures(place, failures) {
      await setFailures({ ...hashed(place), failures });
    },
    remove: async (place) => (await remove(hashed(place))).changes > 0,
    removeDevice: async (account, device) => (await removeDevice({ account, device })).rows[0],
    removeAccount: async (account) => (await removeAccount({ account })).changes,
  };
}

function hashed({ node, endpoint }: Place): HashedPlace {
  return { node, endpointHash: textHash(endpoint) };
}

function rowOf({ onlyImportant, ...more }: Omit<GatewayRegistration, 'failures'>, most: number): NewRow {
  return {
    ...more,
    endpointHash: textHash(more.endpoint),
    onlyImportant: Number(onlyImportant),
    renewedAt: Math.floor(more.renewedAt),
    most,
  };
}

function registrationOf(row: Row): GatewayRegistration {
  return { ...row, onlyImportant: row.onlyImportant === 1 };
}

/** The steps of one save, in whose order the results come. */
function prepareSave(database: Database) {
  const steps = [clearFailures, putRow, removeOthersOfEndpoint, removeTooMany(database)];
  return database.prepareSequence<NewRow, Place>('gateway_save', ({ account }) => account, steps);
}

function endOfSave(
  [before = [], saved = [], ...removed]: readonly (readonly Place[])[],
  { node, endpoint }: Place,
): Awaited<ReturnType<GatewayStore['save']>> {
  const moved = before.filter((place) => place.endpoint !== endpoint);
  return { node: saved[0]?.node ?? node, gone: [...moved, ...removed.flat()] };
}

/** Answers what the device had before; that does not come from the statement that replaces it. */
const clearFailures: Build<NewRow, Place> = (param, db) =>
  db
    .updateTable('gateway_registrations')
    .set({ failures: 0 })
    .where('account', '=', param('account'))
    .where('device', '=', param('device'))
    .returning(placeColumns);

const putRow: Build<NewRow, Place> = (param, db) =>
  db
    .insertInto('gateway_registrations')
    .values({
      node: param('node'),
      account: param('account'),
      device: param('device'),
      endpoint_hash: param('endpointHash'),
      endpoint: param('endpoint'),
      p256dh: param('p256dh'),
      auth: param('auth'),
      only_important: param('onlyImportant'),
      renewed_at: param('renewedAt'),
      failures: sql.lit(0),
    })
    .onConflict((conflict) =>
      conflict
        .columns(['account', 'device'])
        .doUpdateSet((eb) =>
          Object.fromEntries(renewed.map((column) => [column, eb.ref(`excluded.${column}`)])),
        ),
    )
    .returning(placeColumns);

/** What a device that is known gets anew. */
const renewed = [
  'endpoint_hash',
  'endpoint',
  'p256dh',
  'auth',
  'only_important',
  'renewed_at',
] as const satisfies readonly (keyof Schema['gateway_registrations'])[];

const removeOthersOfEndpoint: Build<NewRow, Place> = (param, db) =>
  db
    .deleteFrom('gateway_registrations')
    .where('account', '=', param('account'))
    .where('device', '!=', param('device'))
    .where('endpoint_hash', '=', param('endpointHash'))
    .returning(placeColumns);

/** The one that was just saved stays, whatever the clocks of several processes say. */
function removeTooMany({ kind }: Database): Build<NewRow, Place> {
  return (param, db) => {
    const tooMany = db
      .selectFrom('gateway_registrations')
      .select('node')
      .where('account', '=', param('account'))
      .where('device', '!=', param('device'))
      .orderBy('renewed_at', 'desc')
      .orderBy('node')
      .$if(kind === 'sqlite', (query) => query.limit(sql.lit(-1)))
      .offset(sql<number>`${param('most')} - 1`);
    return db.deleteFrom('gateway_registrations').where('node', 'in', tooMany).returning(placeColumns);
  };
}

function prepareFind(database: Database) {
  return database.prepare<{ node: string }, Row>('gateway_find', (param, db) =>
    db.selectFrom('gateway_registrations').select(columns).where('node', '=', param('node')),
  );
}

interface ByEndpoint {
  readonly endpointHash: string;
  readonly owner: string;
  readonly most: number;
}

/** An account ends like its domain with an `@` before it: there is one in a bare JID, and none in a domain. */
function prepareFindByEndpoint(database: Database) {
  return database.prepare<ByEndpoint, Row>('gateway_find_by_endpoint', (param, db) => {
    const suffix = sql<string>`('@' || ${param('owner')})`;
    return db
      .selectFrom('gateway_registrations')
      .select(columns)
      .where('endpoint_hash', '=', param('endpointHash'))
      .where((eb) =>
        eb.or([
          eb('account', '=', param('owner')),
          eb(sql`substr(account, length(account) - length(${suffix}) + 1)`, '=', suffix),
        ]),
      )
      .orderBy('renewed_at', 'desc')
      .orderBy('node')
      .limit(param('most'));
  });
}

function prepareList(database: Database) {
  return database.prepare<{ account: string }, Row>('gateway_list', (param, db) =>
    db
      .selectFrom('gateway_registrations')
      .select(columns)
      .where('account', '=', param('account'))
      .orderBy('renewed_at', 'desc')
      .orderBy('node'),
  );
}

function prepareSetFailures(database: Database) {
  return database.prepare<HashedPlace & { failures: number }, unknown>('gateway_set_failures', (param, db) =>
    db
      .updateTable('gateway_registrations')
      .set({ failures: param('failures') })
      .where('node', '=', param('node'))
      .where('endpoint_hash', '=', param('endpointHash')),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<HashedPlace, unknown>('gateway_remove', (param, db) =>
    db
      .deleteFrom('gateway_registrations')
      .where('node', '=', param('node'))
      .where('endpoint_hash', '=', param('endpointHash')),
  );
}

function prepareRemoveDevice(database: Database) {
  return database.prepare<{ account: string; device: string }, Place>('gateway_remove_device', (param, db) =>
    db
      .deleteFrom('gateway_registrations')
      .where('account', '=', param('account'))
      .where('device', '=', param('device'))
      .returning(placeColumns),
  );
}

function prepareRemoveAccount(database: Database) {
  return database.prepare<{ account: string }, unknown>('gateway_remove_account', (param, db) =>
    db.deleteFrom('gateway_registrations').where('account', '=', param('account')),
  );
}
