import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/storage/database.js';
import { createGatewayStore } from '../../src/storage/gateway-registrations.js';
import { migrate } from '../../src/storage/migrate.js';
import { openPostgres } from '../../src/storage/postgres.js';
import { openSqlite } from '../../src/storage/sqlite.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres } from '../harness/postgres.js';
import { freshPostgres, postgresPlans, sqlitePlans } from '../harness/query-plans.js';
import { recordingEvents } from '../harness/recording-events.js';
import { statementsOf } from '../harness/statements.js';

/** Registrations of others. */
const rows = 20_000;

async function ready(database: Database): Promise<ReadonlyMap<string, string>> {
  onTestFinished(() => database.close());
  await migrate(database);
  return statementsOf(database, createGatewayStore);
}

type Found = 'node' | 'account' | 'endpoint';

/** By what each statement finds its rows. The one that is not here, `gateway_save_2`, looks for none. */
const foundBy: Readonly<Record<string, Found>> = {
  gateway_save_1: 'account',
  gateway_save_3: 'account',
  gateway_save_4: 'account',
  gateway_find: 'node',
  gateway_find_by_endpoint: 'endpoint',
  gateway_list: 'account',
  gateway_set_failures: 'node',
  gateway_remove: 'node',
  gateway_remove_device: 'account',
  gateway_remove_account: 'account',
};

describe('what SQLite does for registrations of the gateway', () => {
  it('is to go where the rows are, and nowhere else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-plans-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'belfry.sqlite');
    const statements = await ready(await openSqlite(file));
    expect([...statements.keys()].sort()).toEqual([...Object.keys(foundBy), 'gateway_save_2'].sort());
    const connection = new Sqlite(file);
    onTestFinished(() => void connection.close());
    const planOf = sqlitePlans(connection, statements, 1);
    const indexes: Readonly<Record<Found, RegExp>> = {
      node: /SEARCH gateway_registrations USING (COVERING )?INDEX sqlite_autoindex_gateway_registrations_1 \(node=\?\)/,
      account:
        /SEARCH gateway_registrations USING (COVERING )?INDEX (sqlite_autoindex_gateway_registrations_2 \(account=\?|gateway_registrations_endpoint)/,
      endpoint:
        /SEARCH gateway_registrations USING (COVERING )?INDEX gateway_registrations_endpoint \(endpoint_hash=\?\)/,
    };
    for (const [name, found] of Object.entries(foundBy)) {
      expect(planOf(name), name).toMatch(indexes[found]);
      expect(planOf(name), name).not.toContain('SCAN gateway_registrations');
    }
    expect(planOf('gateway_save_2')).not.toContain('SCAN');
  });
});

describeWithPeers(
  'what PostgreSQL does for registrations of the gateway',
  { postgresql: hasPostgres },
  () => {
    it('is to go where the rows are, and nowhere else, whatever the values are', async () => {
      const { url, client } = await freshPostgres();
      const statements = await ready(await openPostgres(url, recordingEvents().events));
      await client.query(
        `insert into gateway_registrations (node, account, device, endpoint_hash, endpoint, p256dh, auth, only_important,
         renewed_at, failures)
       select 'node' || n, 'account' || n / 5, 'device' || n, 'endpoint' || n / 2, 'e', repeat('x', 65)::bytea,
         repeat('x', 16)::bytea, 0, n, 0
       from generate_series(1, ${rows}) n`,
      );
      await client.query('analyze gateway_registrations');
      const planOf = await postgresPlans(client, statements);
      const indexes: Readonly<Record<Found, RegExp>> = {
        node: /using gateway_registrations_pkey/,
        account: /(using|on) gateway_registrations_(account_device_key|endpoint)/,
        endpoint: /(using|on) gateway_registrations_endpoint/,
      };
      for (const [name, found] of Object.entries(foundBy)) {
        const plan = await planOf(name);
        expect(plan, name).toMatch(indexes[found]);
        expect(plan, name).not.toContain('Seq Scan');
      }
    });
  },
);
