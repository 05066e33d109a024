import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.js';
import type { Build, Database } from '../../src/storage/database.js';
import { migrate, migrations } from '../../src/storage/migrate.js';
import type { Migration } from '../../src/storage/migrations/migration.js';
import { openStorage, type Storage } from '../../src/storage/open.js';
import { waitFor } from '../harness/net.js';
import { recordingEvents } from '../harness/recording-events.js';
import { type StorageProcess, startStorageProcess } from '../harness/storage-process.js';
import { browser, type GatewayStoreUnderTest } from './gateway-store.contract.js';
import { device, type NotifyStoresUnderTest } from './notify-store.contract.js';
import type { PushQueueUnderTest } from './push-queue.contract.js';
import { contact, credentials, type StandaloneStoresUnderTest } from './standalone-stores.contract.js';
import { registration, type StoresUnderTest } from './unified-push-stores.contract.js';

/** A new, empty database. */
export interface StorageUnderTest {
  readonly config: Config['storage'];
  /** The database below the stores, its schema untouched. */
  openDatabase(): Promise<Database>;
  /** Removes the database; everything opened is closed by then. */
  dispose(): Promise<void>;
}

/** Opens a storage that is closed when the test ends. */
export async function openForTest(config: Config['storage']): Promise<Storage> {
  const storage = await openStorage(config, { events: recordingEvents().events });
  onTestFinished(() => storage.close());
  return storage;
}

/** The same database as the contract of the embedded server's stores wants it. */
export function asStandaloneStores(subject: StorageUnderTest): StandaloneStoresUnderTest {
  const { open, dispose } = asStores(subject);
  return { open: async () => (await open()).standalone, dispose };
}

/** The same database as the contract of the registrations of devices wants it. */
export function asNotifyStores(subject: StorageUnderTest): NotifyStoresUnderTest {
  const { open, dispose } = asStores(subject);
  return {
    async open() {
      const { notify, standalone } = await open();
      return { notify, accounts: standalone.accounts };
    },
    dispose,
  };
}

/** The same database as the contract of the queue for push services wants it. */
export function asPushQueue(subject: StorageUnderTest): PushQueueUnderTest {
  const { open, dispose } = asStores(subject);
  return { open: async () => (await open()).webPushQueue, dispose };
}

/** The same database as the contract of the gateway's registrations wants it. */
export function asGatewayStore(subject: StorageUnderTest): GatewayStoreUnderTest {
  const { open, dispose } = asStores(subject);
  return { open: async () => (await open()).gateway, dispose };
}

interface OpenStorages extends StoresUnderTest {
  open(): Promise<Storage>;
}

/** The same database as the store contract wants it. */
export function asStores({ config, dispose }: StorageUnderTest): OpenStorages {
  const opened: Storage[] = [];
  return {
    async open() {
      const storage = await openStorage(config, { events: recordingEvents().events });
      opened.push(storage);
      return storage;
    },
    async dispose() {
      await Promise.all(opened.map((storage) => storage.close()));
      await dispose();
    },
  };
}

/** A process that is killed when the test ends. */
export async function processForTest(): Promise<StorageProcess> {
  const child = await startStorageProcess();
  onTestFinished(() => child.kill());
  return child;
}

/** What a storage promises beyond its stores: that it lasts, that others may use it too, and how it migrates. */
export function storageContract(prepare: () => Promise<StorageUnderTest>): void {
  let subject: StorageUnderTest;
  beforeEach(async () => {
    subject = await prepare();
  });
  afterEach(() => subject.dispose());

  async function databaseForTest(): Promise<Database> {
    const database = await subject.openDatabase();
    onTestFinished(() => database.close());
    return database;
  }

  describe('what lasts', () => {
    it('survives close and reopen', async () => {
      const saved = registration();
      const first = await openForTest(subject.config);
      await first.registrations.save(saved);
      await first.revocations.revoke(saved.idHash, 2_000_000_000);
      const key = await first.keys.getOrCreate('paseto', () => 'the first');
      const { accounts, rosters } = first.standalone;
      await accounts.create('romeo@montague.example', credentials());
      const account = await accounts.find('romeo@montague.example');
      await rosters.put(account?.id ?? 0, contact());
      await first.notify.save(device());
      const { node } = await first.gateway.save(browser(), 1);
      await first.close();
      const second = await openForTest(subject.config);
      expect(await second.registrations.find(saved.idHash)).toMatchObject({ bareJid: saved.bareJid });
      expect(await second.revocations.isRevoked(saved.idHash)).toBe(true);
      expect(await second.keys.getOrCreate('paseto', () => 'another')).toBe(key);
      expect(await second.standalone.accounts.find('romeo@montague.example')).toEqual(account);
      expect(await second.standalone.rosters.load(account?.id ?? 0)).toEqual([contact()]);
      expect(await second.notify.list('romeo@montague.example')).toEqual([device()]);
      expect(await second.gateway.find(node)).toMatchObject({ account: 'romeo@montague.example' });
    });

    it('survives the death of the process right after it was acknowledged', async () => {
      const child = await processForTest();
      await child.open(subject.config);
      const saved = registration();
      const revoked = registration().idHash;
      await child.call({ method: 'getOrCreate', name: 'paseto', value: 'of the dead' });
      await child.call({ method: 'revoke', tokenHash: revoked, expiresAt: 2_000_000_000 });
      await child.call({ method: 'save', registration: saved });
      await child.kill();
      const storage = await openForTest(subject.config);
      expect(await storage.registrations.find(saved.idHash)).toMatchObject({ bareJid: saved.bareJid });
      expect(await storage.revocations.isRevoked(revoked)).toBe(true);
      expect(await storage.keys.getOrCreate('paseto', () => 'another')).toBe('of the dead');
    });

    it('has always one registration of a device, whenever the process dies that replaces it', async () => {
      const storage = await openForTest(subject.config);
      await storage.standalone.accounts.create('romeo@montague.example', credentials());
      await storage.notify.save(device());
      const child = await processForTest();
      await child.open(subject.config);
      const devices = Array.from({ length: 5_000 }, (_, at) => device({ address: `after ${at}` }));
      child.call({ method: 'saveDevices', devices }).catch(() => undefined);
      const addresses = async () =>
        (await storage.notify.list('romeo@montague.example')).map(({ address }) => address);
      await waitFor(
        'the first to be replaced',
        async () => (await addresses())[0]?.startsWith('after') ?? false,
      );
      await child.kill();
      expect(await addresses()).toHaveLength(1);
    });
  });

  it('answers check while open and rejects after close, which may be called twice', async () => {
    const storage = await openForTest(subject.config);
    await storage.check();
    await storage.close();
    await storage.close();
    await expect(storage.check()).rejects.toThrow();
    await expect(storage.registrations.find(registration().idHash)).rejects.toThrow();
  });

  describe('a sequence of statements', () => {
    interface Args {
      readonly first: string;
      readonly second: string;
    }
    const insert =
      (column: keyof Args): Build<Args, { name: string }> =>
      (param, db) =>
        db
          .insertInto('keys')
          .values({ name: param(column), value: 'any' })
          .returning('name');
    const ready = async () => {
      const database = await databaseForTest();
      await migrate(database);
      return database;
    };
    const prepare = (database: Database) =>
      database.prepareSequence('two_keys', ({ first }: Args) => first, [insert('first'), insert('second')]);
    const names = async ({ kysely }: Database) =>
      (await kysely.selectFrom('keys').select('name').orderBy('name').execute()).map(({ name }) => name);

    it('answers what each of them does', async () => {
      const database = await ready();
      expect(await prepare(database)({ first: 'a', second: 'b' })).toEqual([
        [{ name: 'a' }],
        [{ name: 'b' }],
      ]);
    });

    it('does nothing if one of them fails, and harms nobody beside it', async () => {
      const database = await ready();
      const run = prepare(database);
      const ends = await Promise.allSettled([
        run({ first: 'a', second: 'b' }),
        run({ first: 'c', second: 'c' }),
        run({ first: 'd', second: 'e' }),
      ]);
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(ends[1]).toMatchObject({ reason: { name: 'StorageError' } });
      expect(await names(database)).toEqual(['a', 'b', 'd', 'e']);
      await run({ first: 'f', second: 'g' });
      expect(await names(database)).toHaveLength(6);
    });

    it('runs once at a time with its lock, of all connections, and sees what was done before', async () => {
      const numbered: Build<{ name: string }, { name: string }> = (param, db) =>
        db
          .insertInto('keys')
          .columns(['name', 'value'])
          .expression(({ selectFrom }) =>
            selectFrom('keys').select(({ cast, fn }) => [
              cast<string>(param('name'), 'text').as('name'),
              cast<string>(fn.countAll(), 'text').as('value'),
            ]),
          )
          .returning('value as name');
      const runs = [await ready(), await ready()].map((database) =>
        database.prepareSequence('numbered', () => 'one', [numbered]),
      );
      const numbers = await Promise.all(
        runs.flatMap((run, of) => Array.from({ length: 10 }, (_, at) => run({ name: `${of} ${at}` }))),
      );
      const distinct = new Set(numbers.map(([rows]) => rows?.[0]?.name));
      expect(distinct.size).toBe(20);
    });
  });

  describe('several processes', () => {
    it('may open a new database at once, and agree on key and seed', async () => {
      const children = await Promise.all(Array.from({ length: 4 }, processForTest));
      await Promise.all(children.map((child) => child.open(subject.config)));
      const keys = await Promise.all(
        children.map((child, index) =>
          child.call({ method: 'getOrCreate', name: 'paseto', value: `of process ${index}` }),
        ),
      );
      expect(new Set(keys).size).toBe(1);
      const saved = registration();
      const seeds = await Promise.all(
        children.map((child) =>
          child.call({ method: 'save', registration: { ...registration(), ...keyOf(saved) } }),
        ),
      );
      const distinct = new Set(seeds.map((seed) => Buffer.from(seed as Uint8Array).toString('hex')));
      expect(distinct.size).toBe(1);
    });
  });

  describe('migrations', () => {
    it('change nothing when they run again', async () => {
      const database = await databaseForTest();
      for (let round = 0; round < 3; round += 1) await migrate(database);
      expect(await versions(database)).toEqual(migrations.map((_, index) => index + 1));
    });

    it('bring what the first one made, with its rows, to the last', async () => {
      const database = await databaseForTest();
      const saved = registration();
      await migrate(database, migrations.slice(0, 1));
      const { instance, application, resource } = saved;
      await database.kysely
        .insertInto('unified_push_registrations')
        .values({
          ...{ instance, application, resource },
          ...{ id_hash: saved.idHash, seed: saved.seed, bare_jid: saved.bareJid },
          expires_at: saved.expiresAt,
        })
        .execute();
      await database.kysely.insertInto('keys').values({ name: 'paseto', value: 'old' }).execute();
      const storage = await openForTest(subject.config);
      expect(await storage.registrations.find(saved.idHash)).toMatchObject({ bareJid: saved.bareJid });
      expect(await storage.keys.getOrCreate('paseto', () => 'new')).toBe('old');
      await storage.standalone.accounts.create('romeo@montague.example', credentials());
    });

    it('run once when twelve connections start them at once', async () => {
      const databases = await Promise.all(Array.from({ length: 12 }, databaseForTest));
      let runs = 0;
      const counted: Migration = async () => {
        runs += 1;
      };
      await Promise.all(databases.map((database) => migrate(database, [...migrations, counted])));
      expect(runs).toBe(1);
    });

    it('are undone as a whole if one fails, and can be run again', async () => {
      const database = await databaseForTest();
      await expect(migrate(database, [...migrations, failing])).rejects.toThrow('power cut');
      expect(await tables(database)).toEqual([]);
      const storage = await openForTest(subject.config);
      await storage.registrations.save(registration());
    });

    it('keep the old schema if an upgrade fails, and the rows in it', async () => {
      const before = await openForTest(subject.config);
      const saved = registration();
      await before.registrations.save(saved);
      const database = await databaseForTest();
      await expect(migrate(database, [...migrations, failing])).rejects.toThrow('power cut');
      expect(await versions(database)).toEqual(migrations.map((_, index) => index + 1));
      expect(await tables(database)).not.toContain('half_done');
      expect(await before.registrations.find(saved.idHash)).toBeDefined();
    });

    it('refuse a schema that is newer than the program', async () => {
      const database = await databaseForTest();
      await migrate(database, [...migrations, async () => undefined]);
      await expect(openForTest(subject.config)).rejects.toMatchObject({
        name: 'StorageOpenError',
        message: `The database has schema ${migrations.length + 1}; this Belfry knows schemas up to ${migrations.length}.`,
        remedy: expect.stringContaining('newer Belfry'),
      });
    });
  });
}

/** A step that fails after it has changed something. */
const failing: Migration = async (db) => {
  await db.schema.createTable('half_done').addColumn('id', 'integer').execute();
  throw new Error('power cut');
};

function keyOf({ bareJid, application, instance }: ReturnType<typeof registration>) {
  return { bareJid, application, instance };
}

async function versions({ kysely }: Database): Promise<number[]> {
  const rows = await kysely.selectFrom('belfry_schema').select('version').orderBy('version').execute();
  return rows.map((row) => row.version);
}

async function tables({ kysely, kind }: Database): Promise<string[]> {
  const { rows } = await (kind === 'sqlite'
    ? sql<{ name: string }>`select name from sqlite_master where type = 'table'`
    : sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`
  ).execute(kysely);
  return rows.map((row) => row.name);
}
