import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/storage/database.js';
import { migrate } from '../../src/storage/migrate.js';
import { openPostgres } from '../../src/storage/postgres.js';
import { openSqlite } from '../../src/storage/sqlite.js';
import { createWebPushQueue } from '../../src/storage/web-push-queue.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres } from '../harness/postgres.js';
import { freshPostgres, postgresPlans, sqlitePlans } from '../harness/query-plans.js';
import { recordingEvents } from '../harness/recording-events.js';
import { statementsOf } from '../harness/statements.js';

/** Messages for a push service that is not there. */
const rows = 20_000;

async function ready(database: Database): Promise<ReadonlyMap<string, string>> {
  onTestFinished(() => database.close());
  await migrate(database);
  return statementsOf(database, createWebPushQueue);
}

/** By which index each statement finds its rows, besides that of their ids. The one that is not here counts all. */
const indexes: Readonly<Record<string, string>> = {
  web_push_queue_claim: 'web_push_queue_due',
  web_push_queue_next_due: 'web_push_queue_due',
  web_push_queue_newest: 'web_push_queue_endpoint',
  web_push_queue_supersede: 'web_push_queue_endpoint',
  web_push_queue_withdraw: 'web_push_queue_(endpoint|sender)',
  web_push_queue_withdraw_all: 'web_push_queue_sender',
  web_push_queue_expire: 'web_push_queue_expiry',
  web_push_queue_release: 'web_push_queue_claimed',
};
const byId = ['web_push_queue_claim', 'web_push_queue_remove', 'web_push_queue_postpone'];

describe('what SQLite does for the queue of web pushes', () => {
  it('is to go where the rows are, and nowhere else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-plans-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'belfry.sqlite');
    const statements = await ready(await openSqlite(file));
    const connection = new Sqlite(file);
    onTestFinished(() => void connection.close());
    const planOf = sqlitePlans(connection, statements, '[]');
    const added = {
      web_push_queue_add_supersede: 'web_push_queue_endpoint',
      web_push_queue_add_drop: 'web_push_queue_endpoint',
    };
    for (const [name, index] of Object.entries({ ...indexes, ...added })) {
      expect(planOf(name), name).toMatch(new RegExp(`INDEX ${index}\\b`));
    }
    for (const name of byId)
      expect(planOf(name), name).toMatch(/SEARCH web_push_queue USING INTEGER PRIMARY KEY/);
    const walks = ['web_push_queue_next_due', 'web_push_queue_count'];
    for (const name of statements.keys()) {
      if (!walks.includes(name)) expect(planOf(name), name).not.toContain('SCAN web_push_queue');
      expect(planOf(name), name).not.toContain('TEMP B-TREE');
    }
  });
});

describeWithPeers('what PostgreSQL does for the queue of web pushes', { postgresql: hasPostgres }, () => {
  it('is to go where the rows are, and nowhere else, whatever the values are', async () => {
    const { url, client } = await freshPostgres();
    const statements = await ready(await openPostgres(url, recordingEvents().events));
    await client.query(
      `insert into web_push_queue (due_at, attempts, is_claimed, expires_at, endpoint_hash, sender_hash, topic, urgency,
         origin, service, reference, endpoint, body)
       select n, 1, 0, n, 'endpoint' || n / 10, 'sender' || n / 20, 'topic' || n, 'normal', 'o', 's', 'r', 'e', repeat('x', 400)::bytea
       from generate_series(1, ${rows}) n`,
    );
    await client.query('analyze web_push_queue');
    const planOf = await postgresPlans(client, statements);
    for (const [name, index] of Object.entries({
      ...indexes,
      web_push_queue_add: 'web_push_queue_endpoint',
    })) {
      const plan = await planOf(name);
      expect(plan, name).toMatch(new RegExp(`(using|on) ${index}\\b`));
      expect(plan, name).not.toContain('Seq Scan on web_push_queue');
    }
    for (const name of byId.slice(1)) {
      const plan = await planOf(name);
      expect(plan, name).toContain('web_push_queue_pkey');
      expect(plan, name).not.toContain('Seq Scan on web_push_queue');
    }
  });
});
