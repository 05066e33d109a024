import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { migrations } from '../../src/storage/migrate.js';
import type { Belfry } from '../harness/belfry.js';
import type { Distributor } from '../harness/distributor.js';
import { createWorld, type World } from '../harness/interop.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../harness/postgres.js';
import { hasProsody, startProsody } from '../harness/prosody.js';
import { postPush } from '../harness/push-request.js';
import { connectXmppJs } from '../harness/xmpp-js-client.js';

const backends = ['storage', 'paseto'] as const;
type Backend = (typeof backends)[number];
const peers = { prosody: hasProsody, postgresql: hasPostgres };

describeWithPeers('belfry with PostgreSQL beside prosody', peers, () => {
  let postgres: PostgresServer;
  let world: World;
  let device: Distributor;
  let database: string;
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: true });
    world = await createWorld(startProsody, ['one', 'two']);
    device = await world.device(connectXmppJs, 'ana@example.test/phone');
  });
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });
  beforeEach(async () => {
    database = await postgres.createDatabase();
    device.answerWith('result');
  });

  async function start(name: 'one' | 'two', backend: Backend): Promise<Belfry> {
    const belfry = await world.belfry(name, backend, {}, postgres.url(database));
    onTestFinished(() => belfry.stop());
    return belfry;
  }

  async function count(table: string): Promise<number> {
    const rows = await postgres.query(database, `select * from ${table}`);
    return rows.length;
  }

  const register = async ({ jid }: Belfry) => (await device.register(jid)).endpoint;
  const push = async (endpoint: string) => (await postPush(endpoint, Buffer.from('hello'))).status;

  /** Pushes while the device says that it knows nothing of such a registration. */
  async function disown(endpoint: string): Promise<void> {
    device.answerWith('item-not-found');
    expect(await push(endpoint)).toBe(404);
    device.answerWith('result');
  }

  it.each(backends)('keeps every promise of %s tokens over kill -9', async (backend) => {
    const belfry = await start('one', backend);
    const [kept, revoked] = [await register(belfry), await register(belfry)];
    expect(await push(kept)).toBe(201);
    await disown(revoked);
    const last = await register(belfry);
    await belfry.kill('SIGKILL');
    expect(await count('unified_push_registrations')).toBe(backend === 'storage' ? 2 : 0);
    expect(await count('revoked_tokens')).toBe(backend === 'storage' ? 0 : 1);
    await belfry.restart();

    for (const endpoint of [kept, last]) {
      const heard = device.pushes.length;
      expect(await push(endpoint)).toBe(201);
      expect(device.pushes.slice(heard)).toMatchObject([{ from: belfry.jid }]);
    }
    const heard = device.pushes.length;
    expect(await push(revoked)).toBe(404);
    expect(device.pushes).toHaveLength(heard);
  });

  describe('shared by two programs', () => {
    /** The same endpoint as a load balancer would bring it to the other program. */
    const at = ({ httpBase }: Belfry, endpoint: string) => httpBase + new URL(endpoint).pathname;

    it.each(backends)('takes %s endpoints of either at both, and revokes them for both', async (backend) => {
      const one = await start('one', backend);
      const two = await start('two', backend);
      for (const [here, there] of [
        [one, two],
        [two, one],
      ] as const) {
        const endpoint = await register(here);
        expect(await push(endpoint)).toBe(201);
        expect(await push(at(there, endpoint))).toBe(201);
        expect(device.pushes.slice(-2).map(({ from }) => from)).toEqual([here.jid, there.jid]);
        await disown(endpoint);
        const heard = device.pushes.length;
        expect(await push(at(there, endpoint))).toBe(404);
        expect(await push(endpoint)).toBe(404);
        expect(device.pushes).toHaveLength(heard);
      }
    });

    it('is made once when both start at once', async () => {
      const isAtTheDoor = `select pid from pg_stat_activity
        where datname = '${database}' and application_name = 'belfry' and wait_event_type = 'Lock'`;
      const door = new pg.Client({ connectionString: postgres.url(database) });
      await door.connect();
      onTestFinished(() => door.end());
      // Nobody can make a table until this ends, so that both find an empty database.
      await door.query('begin; lock table pg_catalog.pg_class in share mode');
      const starting = Promise.all([start('one', 'paseto'), start('two', 'paseto')]);
      // Awaited below; if the test fails before, that is the error to tell.
      starting.catch(() => undefined);
      await waitFor('both to wait', async () => (await postgres.query(database, isAtTheDoor)).length === 2, {
        timeout: 30_000,
      });
      await door.query('commit');
      const [one, two] = await starting;
      expect(await count('belfry_schema')).toBe(migrations.length);
      expect(await push(at(two, await register(one)))).toBe(201);
      expect(await push(at(one, await register(two)))).toBe(201);
    });
  });
});
