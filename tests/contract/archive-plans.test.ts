import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/storage/database.js';
import { migrate } from '../../src/storage/migrate.js';
import { openPostgres } from '../../src/storage/postgres.js';
import { openSqlite } from '../../src/storage/sqlite.js';
import { archiveIndexes, archiveStatements } from '../harness/archive-statements.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres } from '../harness/postgres.js';
import { freshPostgres, postgresPlans, sqlitePlans } from '../harness/query-plans.js';
import { recordingEvents } from '../harness/recording-events.js';

/** Messages of a hundred accounts with a hundred others each, in turns, in the columns of the table. */
const rows = 100_000;

async function ready(database: Database): Promise<ReadonlyMap<string, string>> {
  onTestFinished(() => database.close());
  await migrate(database);
  return archiveStatements(database);
}

describe('what SQLite does for an archive', () => {
  it('is to go where the rows are, and nowhere else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-plans-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'belfry.sqlite');
    const statements = await ready(await openSqlite(file));
    const connection = new Sqlite(file);
    onTestFinished(() => void connection.close());
    const planOf = sqlitePlans(connection, statements, 1);
    for (const [name, index] of Object.entries(archiveIndexes)) {
      expect(planOf(name), name).toContain(`INDEX ${index} (account_id=?`);
      expect(planOf(name), name).not.toMatch(/TEMP B-TREE|SCAN archive|INTEGER PRIMARY KEY/);
    }
    expect(planOf('archive_page_with_forwards')).toContain(
      '(account_id=? AND with_bare=? AND rowid>? AND rowid<?)',
    );
    expect(planOf('archive_page_account_forwards')).toContain('(account_id=? AND rowid>? AND rowid<?)');
    expect(planOf('archive_find')).toContain('SEARCH archive USING INTEGER PRIMARY KEY (rowid=?)');
    expect(planOf('archive_expire')).toContain('SEARCH archive USING INTEGER PRIMARY KEY (rowid<?)');
    expect(planOf('archive_expire')).not.toContain('SCAN archive');
  });
});

describeWithPeers('what PostgreSQL does for an archive', { postgresql: hasPostgres }, () => {
  it('is to go where the rows are, and nowhere else, whatever the values are', async () => {
    const { url, client } = await freshPostgres();
    const statements = await ready(await openPostgres(url, recordingEvents().events));
    await client.query(
      `insert into accounts (bare_jid, scram_sha1, scram_sha256) select 'u' || n, '', '' from generate_series(1, 100) n`,
    );
    await client.query(
      `insert into archive select n, n % 100 + 1, 'contact' || n / 100 % 100, 'phone', repeat('x', 200)
       from generate_series(1, ${rows}) n`,
    );
    await client.query('analyze archive');
    const planOf = await postgresPlans(client, statements);
    for (const [name, index] of Object.entries(archiveIndexes)) {
      const plan = await planOf(name);
      expect(plan, name).toMatch(new RegExp(`Index (Only )?Scan (Backward )?using ${index} on archive`));
      expect(plan, name).not.toMatch(/Seq Scan|Sort|Filter:|Bitmap/);
    }
    expect(await planOf('archive_find')).toContain('Index Scan using archive_pkey on archive');
    expect(await planOf('archive_expire')).not.toContain('Seq Scan');
    expect(await planOf('archive_newest')).toContain(
      'Index Only Scan Backward using archive_pkey on archive',
    );
  });
});
