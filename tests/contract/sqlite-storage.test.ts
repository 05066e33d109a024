import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openSqlite } from '../../src/storage/sqlite.js';
import { describeWithPeers, findExecutable } from '../harness/peer.js';
import { gatewayStoreContract } from './gateway-store.contract.js';
import { notifyStoreContract } from './notify-store.contract.js';
import { pushQueueContract } from './push-queue.contract.js';
import { contact, credentials, standaloneStoresContract } from './standalone-stores.contract.js';
import {
  asGatewayStore,
  asNotifyStores,
  asPushQueue,
  asStandaloneStores,
  asStores,
  openForTest,
  processForTest,
  type StorageUnderTest,
  storageContract,
} from './storage.contract.js';
import { registration, unifiedPushStoresContract } from './unified-push-stores.contract.js';

async function prepare(): Promise<StorageUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-sqlite-'));
  const file = join(folder, 'belfry.sqlite');
  return {
    config: { kind: 'sqlite', file },
    openDatabase: () => openSqlite(file),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

describe('SQLite stores', () => {
  unifiedPushStoresContract(async () => asStores(await prepare()));
  standaloneStoresContract(async () => asStandaloneStores(await prepare()));
  notifyStoreContract(async () => asNotifyStores(await prepare()));
  pushQueueContract(async () => asPushQueue(await prepare()));
  gatewayStoreContract(async () => asGatewayStore(await prepare()));
});

describe('SQLite storage', () => {
  storageContract(prepare);

  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'belfry-sqlite-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const inFolder = (...path: string[]) => ({ kind: 'sqlite', file: join(folder, ...path) }) as const;
  const modeOf = (path: string) => statSync(join(folder, path)).mode & 0o777;

  it('is for its owner alone, files and folders', async () => {
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    await openForTest(inFolder('data', 'deep', 'belfry.sqlite'));
    expect(modeOf('data')).toBe(0o700);
    expect(modeOf('data/deep')).toBe(0o700);
    for (const suffix of ['', '-wal', '-shm']) expect(modeOf(`data/deep/belfry.sqlite${suffix}`)).toBe(0o600);
  });

  it('writes ahead, waits for the disk, never waits for a lock in the event loop, and holds references', async () => {
    const { kysely, close } = await openSqlite(join(folder, 'belfry.sqlite'));
    onTestFinished(close);
    const pragma = async (name: string) => {
      const { rows } = await sql<Record<string, unknown>>`${sql.raw(`pragma ${name}`)}`.execute(kysely);
      return Object.values(rows[0] ?? {})[0];
    };
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('busy_timeout')).toBe(0);
    expect(await pragma('foreign_keys')).toBe(1);
    expect(await pragma('wal_autocheckpoint')).toBe(4000);
  });

  it('lets others work while a statement waits for another writer, and then succeeds', async () => {
    const file = join(folder, 'belfry.sqlite');
    const storage = await openForTest({ kind: 'sqlite', file });
    const writer = new Sqlite(file);
    onTestFinished(() => void writer.close());
    writer.exec('begin immediate');
    let isStored = false;
    const revoked = storage.revocations.revoke(randomBytes(32), 1).then(() => {
      isStored = true;
    });
    for (let turn = 0; turn < 5; turn++) await storage.check();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isStored).toBe(false);
    writer.exec('commit');
    await revoked;
    expect(isStored).toBe(true);
  });

  it('commits writes of one turn together, and one that breaks a rule fails alone', async () => {
    const { standalone, registrations } = await openForTest(inFolder('belfry.sqlite'));
    const saved = registration();
    const ends = await Promise.allSettled([
      standalone.accounts.create('romeo@montague.example', credentials()),
      standalone.rosters.put(4711, contact()),
      registrations.save(saved),
    ]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ends[1]).toMatchObject({
      reason: { name: 'StorageError', code: 'SQLITE_CONSTRAINT_FOREIGNKEY' },
    });
    expect(await standalone.accounts.find('romeo@montague.example')).toBeDefined();
    expect(await registrations.find(saved.idHash)).toBeDefined();
  });

  it('finishes the writes that were asked for before it closes', async () => {
    const config = inFolder('belfry.sqlite');
    const storage = await openForTest(config);
    const writes = Array.from({ length: 20 }, () =>
      storage.registrations.save(registration({ expiresAt: 1 })),
    );
    await storage.close();
    expect(await Promise.all(writes)).toHaveLength(20);
    expect(await (await openForTest(config)).registrations.sweep(2, 100)).toBe(20);
  });

  describe('refuses to open', () => {
    it('a file that is no database, and leaves it alone', async () => {
      const file = join(folder, 'belfry.sqlite');
      writeFileSync(file, 'Dear diary, '.repeat(1000));
      await expect(openForTest({ kind: 'sqlite', file })).rejects.toMatchObject({
        name: 'StorageOpenError',
        message: `The database ${file} is not an SQLite database (SQLITE_NOTADB).`,
        remedy: expect.stringContaining('backup'),
      });
      expect(statSync(file).size).toBe(12_000);
    });

    it('a folder in the place of the file', async () => {
      mkdirSync(join(folder, 'belfry.sqlite'));
      await expect(openForTest(inFolder('belfry.sqlite'))).rejects.toMatchObject({
        name: 'StorageOpenError',
        remedy: expect.stringContaining('data_dir'),
      });
    });

    it('a file in the place of the folder', async () => {
      writeFileSync(join(folder, 'data'), '');
      await expect(openForTest(inFolder('data', 'belfry.sqlite'))).rejects.toMatchObject({
        name: 'StorageOpenError',
        remedy: expect.stringContaining('data_dir'),
      });
    });

    it('a damaged database', async () => {
      const { file } = inFolder('belfry.sqlite');
      await (await openForTest({ kind: 'sqlite', file })).close();
      const { size } = statSync(file);
      writeFileSync(file, Buffer.alloc(size - 100, 0xab), { flag: 'r+' });
      await expect(openForTest({ kind: 'sqlite', file })).rejects.toMatchObject({
        name: 'StorageOpenError',
        remedy: expect.stringContaining('backup'),
      });
    });

    it('a folder that this user may not write', async () => {
      mkdirSync(join(folder, 'readable'));
      execFileSync('chmod', ['755', folder]);
      execFileSync('chmod', ['555', join(folder, 'readable')]);
      const child = await processForTest();
      const attempt = child.openUnprivileged(join(folder, 'readable', 'belfry.sqlite'));
      await expect(attempt).rejects.toThrow(
        /^StorageOpenError: The database .* may not be written \(EACCES\)/,
      );
    });

    it('a new database that another process keeps locked', async () => {
      const { file } = inFolder('belfry.sqlite');
      const holder = new Sqlite(file);
      onTestFinished(() => void holder.close());
      holder.pragma('journal_mode = WAL');
      holder.exec('begin immediate');
      await expect(openForTest({ kind: 'sqlite', file })).rejects.toMatchObject({
        name: 'StorageOpenError',
        message: expect.stringContaining('is locked by another process'),
      });
    });
  });

  const prlimit = findExecutable('prlimit');
  describeWithPeers('when the disk is full', { prlimit: prlimit !== undefined }, () => {
    it('rejects what cannot be stored, reads on, keeps what it had, and stores again when there is room', async () => {
      const config = inFolder('belfry.sqlite');
      const child = await processForTest();
      await child.open(config);
      const before = registration();
      await child.call({ method: 'save', registration: before });
      limitFileSize(child.pid, statSync(`${config.file}-wal`).size);

      const refused = registration();
      await expect(child.call({ method: 'save', registration: refused })).rejects.toThrow(/^StorageError: /);
      await expect(
        child.call({ method: 'revoke', tokenHash: refused.idHash, expiresAt: 2_000_000_000 }),
      ).rejects.toThrow(/^StorageError: /);
      expect(await child.call({ method: 'find', idHash: before.idHash })).toBeDefined();

      limitFileSize(child.pid, 'unlimited');
      expect(await child.call({ method: 'find', idHash: refused.idHash })).toBeUndefined();
      const after = registration();
      await child.call({ method: 'save', registration: after });
      await child.kill();
      const storage = await openForTest(config);
      expect(await storage.registrations.find(before.idHash)).toBeDefined();
      expect(await storage.registrations.find(after.idHash)).toBeDefined();
    });
  });

  /** No file of that process can grow beyond `bytes`: writes fail as they do on a full disk. */
  function limitFileSize(pid: number, bytes: number | 'unlimited'): void {
    if (prlimit === undefined) throw new Error('prlimit is not installed');
    execFileSync(prlimit, ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
  }
});
