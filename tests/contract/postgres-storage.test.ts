import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { migrate, migrations } from '../../src/storage/migrate.js';
import type { Migration } from '../../src/storage/migrations/migration.js';
import { openStorage } from '../../src/storage/open.js';
import { openPostgres } from '../../src/storage/postgres.js';
import { freePort, waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../harness/postgres.js';
import { recordingEvents } from '../harness/recording-events.js';
import { gatewayStoreContract } from './gateway-store.contract.js';
import { notifyStoreContract } from './notify-store.contract.js';
import { pushQueueContract } from './push-queue.contract.js';
import { standaloneStoresContract } from './standalone-stores.contract.js';
import {
  asGatewayStore,
  asNotifyStores,
  asPushQueue,
  asStandaloneStores,
  asStores,
  openForTest,
  type StorageUnderTest,
  storageContract,
} from './storage.contract.js';
import { registration, unifiedPushStoresContract } from './unified-push-stores.contract.js';

async function prepareOn(server: PostgresServer): Promise<StorageUnderTest> {
  const url = server.url(await server.createDatabase());
  return {
    config: { kind: 'postgres', url },
    openDatabase: () => openPostgres(url, recordingEvents().events),
    dispose: async () => undefined,
  };
}

/** A database for each test takes its time where the server waits for the disk, which only a crash of the machine asks for. */
describeWithPeers('stores on PostgreSQL', { postgresql: hasPostgres }, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  const prepare = () => prepareOn(server);

  unifiedPushStoresContract(async () => asStores(await prepare()));
  standaloneStoresContract(async () => asStandaloneStores(await prepare()));
  notifyStoreContract(async () => asNotifyStores(await prepare()));
  pushQueueContract(async () => asPushQueue(await prepare()));
  gatewayStoreContract(async () => asGatewayStore(await prepare()));
});

describeWithPeers('PostgreSQL', { postgresql: hasPostgres }, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ fsync: true });
  });
  afterAll(() => server.stop());

  describe('storage', () => {
    storageContract(() => prepareOn(server));
  });

  describe('with many users', () => {
    let database: string;
    beforeEach(async () => {
      database = await server.createDatabase();
    });
    const open = () => openForTest({ kind: 'postgres', url: server.url(database) });

    /** A transaction of somebody else, rolled back at the end of the test if it is still open. */
    async function transaction(): Promise<pg.Client> {
      const client = new pg.Client({ connectionString: server.url(database) });
      await client.connect();
      onTestFinished(() => client.end());
      await client.query('begin');
      return client;
    }

    it('holds at most ten connections', async () => {
      const storage = await open();
      await Promise.all(
        Array.from({ length: 300 }, () => storage.registrations.save(registration({ expiresAt: 1 }))),
      );
      const [row] = await server.query(
        'postgres',
        `select count(*)::int as n from pg_stat_activity
         where datname = '${database}' and application_name = 'belfry'`,
      );
      expect(row).toEqual({ n: 10 });
      expect(await storage.registrations.sweep(2, 1000)).toBe(300);
    });

    it('leaves a registration that is just being renewed to live', async () => {
      const storage = await open();
      const renewed = registration({ expiresAt: 10 });
      const expired = registration({ expiresAt: 20 });
      await storage.registrations.save(renewed);
      await storage.registrations.save(expired);
      const renewal = await transaction();
      await renewal.query('update unified_push_registrations set expires_at = 5000 where expires_at = 10');
      expect(await storage.registrations.sweep(1000, 100)).toBe(1);
      await renewal.query('commit');
      expect(await storage.registrations.find(renewed.idHash)).toMatchObject({ expiresAt: 5000 });
      expect(await storage.registrations.find(expired.idHash)).toBeUndefined();
    });

    it('waits with a removal for a renewal under way, and then removes nothing', async () => {
      const storage = await open();
      const saved = registration({ expiresAt: 10 });
      await storage.registrations.save(saved);
      const renewal = await transaction();
      await renewal.query('update unified_push_registrations set revision = revision + 1');
      const removal = storage.registrations.remove(saved.idHash, 1);
      await waitFor('the removal to wait for the lock', async () => {
        const waiting = await server.query(
          'postgres',
          `select 1 from pg_stat_activity where datname = '${database}' and wait_event_type = 'Lock'`,
        );
        return waiting.length === 1;
      });
      await renewal.query('commit');
      expect(await removal).toBe(false);
      expect(await storage.registrations.find(saved.idHash)).toBeDefined();
    });

    it('gives up on what the server holds up, refuses more than it can queue, and works again', async () => {
      const storage = await open();
      const blocker = await transaction();
      await blocker.query('lock table revoked_tokens in access exclusive mode');
      const attempts = Array.from({ length: 1100 }, () => storage.revocations.isRevoked(randomBytes(32)));
      const ends = await Promise.allSettled(attempts);
      const codes = ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'answered'));
      expect(codes.filter((code) => code === '57014').length).toBeGreaterThanOrEqual(10);
      expect(codes.filter((code) => code === 'EBUSY').length).toBeGreaterThanOrEqual(90);
      expect(codes).not.toContain('answered');
      await blocker.query('rollback');
      expect(await storage.revocations.isRevoked(randomBytes(32))).toBe(false);
    });

    it('keeps the values of a row out of its errors', async () => {
      const storage = await open();
      const first = registration();
      await storage.registrations.save(first);
      const clash = { ...registration(), idHash: first.idHash };
      const error = await storage.registrations.save(clash).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'StorageError', code: '23505' });
      expect(Object.keys(error as object).sort()).toEqual(['code', 'name']);
      expect((error as Error).message).not.toContain(Buffer.from(first.idHash).toString('hex'));
      expect((error as Error).cause).toBeUndefined();
    });
  });

  describe('when the server goes away', () => {
    it('rejects while it is down, reports the idle connection, and works after a restart', async () => {
      const url = server.url(await server.createDatabase());
      const { events, recorded } = recordingEvents();
      const storage = await openStorage({ kind: 'postgres', url }, { events });
      onTestFinished(() => storage.close());
      const saved = registration();
      await storage.registrations.save(saved);
      await server.kill('SIGINT');
      await expect(storage.check()).rejects.toMatchObject({ name: 'StorageError' });
      await expect(storage.registrations.save(registration())).rejects.toThrow();
      expect(recorded).toContainEqual(
        expect.objectContaining({ name: 'storageFailed', what: 'idle database connection' }),
      );
      await server.start();
      await storage.check();
      expect(await storage.registrations.find(saved.idHash)).toBeDefined();
    });

    it('rejects the query whose connection is cut; the next one succeeds', async () => {
      const database = await server.createDatabase();
      const storage = await openForTest({ kind: 'postgres', url: server.url(database) });
      const holder = new pg.Client({ connectionString: server.url(database) });
      await holder.connect();
      onTestFinished(() => holder.end());
      await holder.query('begin; lock table keys in access exclusive mode');
      const cut = storage.keys.getOrCreate('paseto', () => 'x').catch((reason: unknown) => reason);
      const waiting = `from pg_stat_activity where datname = '${database}' and wait_event_type = 'Lock'`;
      await waitFor(
        'the query to wait',
        async () => (await server.query('postgres', `select 1 ${waiting}`)).length === 1,
      );
      await server.query('postgres', `select pg_terminate_backend(pid) ${waiting}`);
      expect(await cut).toMatchObject({ name: 'StorageError', code: '57P01' });
      await holder.query('rollback');
      expect(await storage.keys.getOrCreate('paseto', () => 'y')).toBe('y');
    });

    it('outlives a connection that is cut between two statements of a migration', async () => {
      const name = await server.createDatabase();
      const database = await openPostgres(server.url(name), recordingEvents().events);
      onTestFinished(() => database.close());
      const backends = `from pg_stat_activity where datname = '${name}'`;
      const cut: Migration = async () => {
        await server.query('postgres', `select pg_terminate_backend(pid) ${backends}`);
        await waitFor(
          'the backends to end',
          async () => (await server.query('postgres', `select 1 ${backends}`)).length === 0,
        );
      };
      await expect(migrate(database, [...migrations, cut])).rejects.toThrow();
      await migrate(database);
    });

    it('has what it acknowledged after a crash of the server', async () => {
      const url = server.url(await server.createDatabase());
      const storage = await openForTest({ kind: 'postgres', url });
      const saved = Array.from({ length: 50 }, () => registration());
      await Promise.all(saved.map((each) => storage.registrations.save(each)));
      await server.kill('SIGQUIT');
      await server.start();
      const found = await Promise.all(saved.map((each) => storage.registrations.find(each.idHash)));
      expect(found.filter((each) => each !== undefined)).toHaveLength(50);
    });
  });

  describe('opening', () => {
    const open = (url: string) => openForTest({ kind: 'postgres', url });
    const failure = (url: string) =>
      open(url).then(
        () => undefined,
        (reason: unknown) => reason,
      );

    it('works through a Unix socket', async () => {
      const database = await server.createDatabase();
      const { username, password } = new URL(server.url(database));
      const folder = encodeURIComponent(server.folder);
      const storage = await open(
        `postgres://${username}:${password}@/${database}?host=${folder}&port=${server.port}`,
      );
      await storage.check();
    });

    it('works for a role that may only use the tables, once they are there', async () => {
      const database = await server.createDatabase();
      await (await open(server.url(database))).close();
      await server.query(
        database,
        `create role tenant login password 'rent';
         grant select, insert, update, delete on all tables in schema public to tenant`,
      );
      const storage = await open(server.url(database, 'tenant', 'rent'));
      await storage.registrations.save(registration());
    });

    it.each([
      [
        'a wrong password',
        () => server.url('postgres', undefined, 'tr0ub4dor'),
        'refuses the user or the password (28P01)',
        'pg_hba.conf',
      ],
      [
        'an unknown user',
        () => server.url('postgres', 'nobody', 'tr0ub4dor'),
        'refuses the user or the password (28P01)',
        'pg_hba.conf',
      ],
      [
        'a missing password',
        () => `postgres://belfry_test@127.0.0.1:${server.port}/postgres`,
        'refuses the user or the password',
        'pg_hba.conf',
      ],
      ['a missing database', () => server.url('atlantis'), 'has no such database (3D000)', 'createdb'],
      ['an unknown host', () => 'postgres://u:tr0ub4dor@host.invalid/db', 'is an unknown host', 'host name'],
      [
        'a missing socket',
        () => 'postgres://u:tr0ub4dor@/db?host=/nowhere',
        'cannot be reached (ENOENT)',
        'listen_addresses',
      ],
      [
        'TLS that the server does not speak',
        () => `${server.url('postgres')}?sslmode=verify-full`,
        'do not agree on TLS',
        'sslmode',
      ],
    ])('names %s', async (_, url, message, remedy) => {
      expect(await failure(url())).toMatchObject({
        name: 'StorageOpenError',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      });
    });

    it('names a port where nobody listens', async () => {
      const port = await freePort();
      expect(await failure(`postgres://u:tr0ub4dor@127.0.0.1:${port}/db`)).toMatchObject({
        name: 'StorageOpenError',
        message: `PostgreSQL at 127.0.0.1:${port}/db cannot be reached (ECONNREFUSED).`,
      });
    });

    it('names a database that cannot hold every JID', async () => {
      expect(await failure(server.url(await server.createDatabase('LATIN1')))).toMatchObject({
        name: 'StorageOpenError',
        message: expect.stringContaining('LATIN1'),
        remedy: expect.stringContaining('--encoding=UTF8'),
      });
    });

    it('names a role that may not make tables', async () => {
      const database = await server.createDatabase();
      await server.query(
        database,
        `create role guest login password 'rent'; revoke create on schema public from public`,
      );
      expect(await failure(server.url(database, 'guest', 'rent'))).toMatchObject({
        name: 'StorageOpenError',
        message: expect.stringContaining('does not let this user make tables (42501)'),
      });
    });

    it('names tables of another program', async () => {
      const database = await server.createDatabase();
      await server.query(database, 'create table keys (door text)');
      expect(await failure(server.url(database))).toMatchObject({
        name: 'StorageOpenError',
        message: expect.stringContaining('tables of other programs'),
      });
      expect(await server.query(database, 'select door from keys')).toEqual([]);
    });

    it('leaves no connection behind when it fails', async () => {
      const database = await server.createDatabase();
      await server.query(database, 'create table keys (door text)');
      await failure(server.url(database));
      await waitFor('the connections to be gone', async () => {
        const left = await server.query(
          'postgres',
          `select 1 from pg_stat_activity where datname = '${database}'`,
        );
        return left.length === 0;
      });
    });
  });
});
