import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { openStorage } from '../../storage/open.js';
import { checkStorage } from './storage.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belfry-doctor-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const configWith = (dataDir: string) => loadConfig({ env: { BELFRY_DATA_DIR: dataDir }, cwd: folder });

describe('the storage', () => {
  it('is fine if it opens', async () => {
    const config = configWith('data');
    await (await openStorage(config.storage, { events: { storageFailed() {} } })).close();
    expect(await checkStorage(config)).toEqual([
      expect.objectContaining({
        status: 'ok',
        text: expect.stringMatching(/opens, and its schema is up to date$/),
      }),
    ]);
  });

  it('is not changed by looking at it', async () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'belfry.sqlite'), '');
    for (let look = 0; look < 2; look++) {
      expect(await checkStorage(configWith('data'))).toMatchObject([
        { status: 'ok', text: expect.stringMatching(/opens; the first start makes its tables$/) },
      ]);
    }
  });

  it('is not made by looking at it', async () => {
    expect(await checkStorage(configWith('a/b'))).toMatchObject([
      { status: 'ok', text: `there is none yet; the first start makes it in ${join(folder, 'a/b')}` },
    ]);
    expect(existsSync(join(folder, 'a'))).toBe(false);
  });

  it('fails where no folder can be', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(await checkStorage(configWith('file/data'))).toMatchObject([
      { status: 'failed', text: expect.stringMatching(/file is not a folder$/) },
    ]);
  });

  it('fails with the remedy if it is something else', async () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(
      join(folder, 'data', 'belfry.sqlite'),
      'no database, but long enough to be taken for one '.repeat(9),
    );
    expect(await checkStorage(configWith('data'))).toMatchObject([
      {
        status: 'failed',
        text: expect.stringMatching(/is not an SQLite database/),
        remedy: expect.any(String),
      },
    ]);
  });

  it('fails if the database server is away, without showing the password', async () => {
    const env = { BELFRY_STORAGE: 'postgres://belfry:geheim@127.0.0.1:1/belfry' };
    const [finding] = await checkStorage(loadConfig({ env, cwd: folder }));
    expect(finding).toMatchObject({
      status: 'failed',
      text: expect.stringMatching(/127\.0\.0\.1:1\/belfry/),
    });
    expect(JSON.stringify(finding)).not.toContain('geheim');
  });
});
