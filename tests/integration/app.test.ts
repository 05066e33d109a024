import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type App, startApp } from '../../src/app.js';
import type { Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load.js';
import { createLogger } from '../../src/observability/logger.js';
import { openStorage } from '../../src/storage/open.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { registration } from '../contract/unified-push-stores.contract.js';
import { type Belfry, startBelfry } from '../harness/belfry.js';
import { randomHash } from '../harness/distributor.js';
import { FakeComponentServer, type ServerSide } from '../harness/fake-component-server.js';
import { freePort, waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres, startPostgres } from '../harness/postgres.js';
import { postPush } from '../harness/push-request.js';
import { recordingEvents } from '../harness/recording-events.js';
import { listens, temporaryFolder } from '../harness/xmpp-server.js';

const ana = 'ana@example.org/phone';
const bob = 'bob@example.net/phone';
const body = Buffer.from('hello');

/** Registers a device; answers the endpoint, or rejects with Belfry's `StanzaError`. */
async function register(side: ServerSide, from: string): Promise<string> {
  const attrs = { application: randomHash(), instance: randomHash() };
  const answer = await side.ask('set', from, el('register', ns.unifiedPush, attrs));
  if (answer.attr('type') === 'error') throw StanzaError.fromStanza(answer);
  return answer.child('registered', ns.unifiedPush)?.attr('endpoint') ?? '';
}

/** The next push that Belfry sends to a device. */
function takePush(side: ServerSide): Promise<Element> {
  return side.take('a push', (stanza) => stanza.child('push', ns.unifiedPush) !== undefined);
}

/** The device says that it has got the push. */
function acknowledge(side: ServerSide, push: Element): void {
  const [from, to, id] = [push.attr('to'), push.attr('from'), push.attr('id')];
  side.send(el('iq', ns.client, { type: 'result', from, to, id }));
}

/** Posts a push that the device takes; answers the HTTP status. */
async function deliver(side: ServerSide, endpoint: string): Promise<number> {
  const answer = postPush(endpoint, body);
  acknowledge(side, await takePush(side));
  return (await answer).status;
}

async function readiness(httpBase: string): Promise<unknown> {
  const answer = await fetch(`${httpBase}/readyz`);
  return { status: answer.status, body: await answer.json() };
}

const ready = { status: 200, body: { checks: { host: 'ok', storage: 'ok' } } };
const notReady = (check: 'host' | 'storage') => ({
  status: 503,
  body: { checks: { ...ready.body.checks, [check]: 'failed' } },
});

async function becomes(httpBase: string, wanted: object): Promise<void> {
  await expect.poll(() => readiness(httpBase), { timeout: 30_000, interval: 100 }).toMatchObject(wanted);
}

let server: FakeComponentServer;

beforeEach(async () => {
  server = new FakeComponentServer({ furtherDomains: ['up.example.org'] });
  await server.start();
});

afterEach(() => server.stop());

describe('the program', () => {
  async function start(): Promise<Belfry> {
    const { domain: jid, secret, port } = server;
    const belfry = await startBelfry({ component: { jid, secret, port }, backend: 'paseto' });
    onTestFinished(() => belfry.stop());
    return belfry;
  }

  it('permits and refuses by the list that SIGHUP brought', async () => {
    const belfry = await start();
    const endpoint = await register(server.current, ana);
    await expect(register(server.current, bob)).rejects.toMatchObject({ condition: 'forbidden' });
    await belfry.reload({ unifiedPush: { acl: ['example.net'] } });
    await expect(register(server.current, ana)).rejects.toMatchObject({ condition: 'forbidden' });
    const refused = await postPush(endpoint, body);
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ error: 'recipient-not-permitted' });
    expect(await deliver(server.current, await register(server.current, bob))).toBe(201);
    await belfry.reload({ unifiedPush: { acl: ['example.org'] } });
    expect(await deliver(server.current, endpoint)).toBe(201);
    expect(server.connections).toHaveLength(1);
  });

  it('writes the lines of the level that SIGHUP brought', async () => {
    const belfry = await start();
    const count = () => belfry.log().split('"msg":"push answered"').length - 1;
    const endpoint = await register(server.current, ana);
    await deliver(server.current, endpoint);
    await belfry.reload({ logLevel: 'debug' });
    // The log keeps its order: a line before the reload would be here by now.
    expect(count()).toBe(0);
    await deliver(server.current, endpoint);
    await belfry.reload({ logLevel: 'info' });
    expect(count()).toBe(1);
    await deliver(server.current, endpoint);
    await belfry.reload({});
    expect(count()).toBe(1);
  });

  it('at SIGTERM lets go of HTTP, then of the XMPP server, then of the storage', async () => {
    const belfry = await start();
    const side = server.current;
    const log = join(belfry.dataFolder, 'belfry.sqlite-wal');
    let wasStorageOpen: boolean | undefined;
    side.onStreamEnd = () => {
      // SQLite removes its log when the last connection closes.
      wasStorageOpen = existsSync(log);
      side.endStream();
    };
    const answer = postPush(await register(side, ana), body);
    const push = await takePush(side);
    const ended = belfry.kill('SIGTERM');
    const port = Number(new URL(belfry.httpBase).port);
    await waitFor('new connections to be refused', async () => !(await listens(port)));
    await expect(register(side, ana)).resolves.toContain('/push/');
    expect(wasStorageOpen).toBeUndefined();
    acknowledge(side, push);
    expect((await answer).status).toBe(201);
    await ended;
    expect(belfry.exitCode).toBe(0);
    expect(wasStorageOpen).toBe(true);
    expect(existsSync(log)).toBe(false);
  });
});

describe('the composition', () => {
  let folder: string;
  let httpBase: string;

  beforeEach(async () => {
    folder = await temporaryFolder('app');
    httpBase = `http://127.0.0.1:${await freePort()}`;
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  function configOf(more: Readonly<Record<string, string>> = {}): Config {
    const env = {
      BELFRY_HOST: 'component',
      BELFRY_COMPONENT_JID: server.domain,
      BELFRY_COMPONENT_SECRET: server.secret,
      BELFRY_COMPONENT_CONNECT: `127.0.0.1:${server.port}`,
      BELFRY_HTTP_LISTEN: new URL(httpBase).host,
      BELFRY_HTTP_PUBLIC_URL: httpBase,
      ...more,
    };
    return loadConfig({ cwd: folder, env });
  }

  const logger = createLogger({ level: 'silent', format: 'json' });

  async function start(config = configOf()): Promise<App> {
    const app = await startApp(config, { logger });
    onTestFinished(() => app.stop());
    return app;
  }

  it('has a connection for each of two JIDs, and takes registrations at one', async () => {
    await start(configOf({ BELFRY_UNIFIED_PUSH_JID: 'up.example.org' }));
    await becomes(httpBase, ready);
    const component = server.connectionOf('push.example.org');
    const push = server.connectionOf('up.example.org');
    expect(server.connections).toHaveLength(2);
    for (const side of [component, push]) {
      expect((await side.ask('get', ana, el('ping', ns.ping))).attr('type')).toBe('result');
      const info = await side.ask('get', ana, el('query', ns.discoInfo));
      const features = info.child('query', ns.discoInfo)?.elements() ?? [];
      expect(features.some((child) => child.attr('var') === ns.unifiedPush)).toBe(side === push);
    }
    await expect(register(component, ana)).rejects.toMatchObject({ condition: 'service-unavailable' });
    expect(await deliver(push, await register(push, ana))).toBe(201);
  });

  it('is ready only while both of two connections stand', async () => {
    await start(configOf({ BELFRY_UNIFIED_PUSH_JID: 'up.example.org' }));
    await becomes(httpBase, ready);
    // From here on nobody gets an answer to a handshake.
    server.script = () => {};
    server.connectionOf('push.example.org').socket.destroy();
    await becomes(httpBase, notReady('host'));
    await waitFor('the next attempt', () => server.connections.length === 3);
    server.script = undefined;
    server.current.socket.destroy();
    await becomes(httpBase, ready);
    expect(server.connectionOf('up.example.org').isClosed).toBe(false);
  });

  it('is not ready while the XMPP server is away', async () => {
    await start();
    await becomes(httpBase, ready);
    const endpoint = await register(server.current, ana);
    await server.stop();
    await becomes(httpBase, notReady('host'));
    expect((await postPush(endpoint, body)).status).toBe(503);
    await server.start();
    await becomes(httpBase, ready);
    expect(await deliver(server.current, endpoint)).toBe(201);
  });

  it('sweeps what has long expired as it starts', async () => {
    const config = configOf();
    const { events } = recordingEvents();
    const ago = (hours: number) => Math.floor(Date.now() / 1000) - hours * 3600;
    const old = registration({ expiresAt: ago(8 * 24) });
    const recent = registration({ expiresAt: ago(6 * 24) });
    const revoked = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
    const before = await openStorage(config.storage, { events });
    for (const row of [old, recent]) await before.registrations.save(row);
    await before.revocations.revoke(revoked[0], ago(2));
    await before.revocations.revoke(revoked[1], ago(0));
    await before.close();

    await (await startApp(config, { logger })).stop();
    const after = await openStorage(config.storage, { events });
    onTestFinished(() => after.close());
    expect(await after.registrations.find(old.idHash)).toBeUndefined();
    expect(await after.registrations.find(recent.idHash)).toMatchObject({ expiresAt: recent.expiresAt });
    expect(await after.revocations.isRevoked(revoked[0])).toBe(false);
    expect(await after.revocations.isRevoked(revoked[1])).toBe(true);
  });

  it('closes what it has opened if it cannot listen', async () => {
    const taken = new FakeComponentServer();
    await taken.start();
    onTestFinished(() => taken.stop());
    const config = configOf({ BELFRY_HTTP_LISTEN: `127.0.0.1:${taken.port}` });
    await expect(startApp(config, { logger })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(join(folder, 'belfry-data', 'belfry.sqlite'))).toBe(true);
    expect(existsSync(join(folder, 'belfry-data', 'belfry.sqlite-wal'))).toBe(false);
    // The server takes connections in order: after this one it has seen Belfry's.
    const last = connect(server.port, '127.0.0.1');
    await waitFor('the last connection', () =>
      server.connections.some(({ socket }) => socket.remotePort === last.localPort),
    );
    last.destroy();
    await waitFor('all connections to close', () => server.connections.every(({ isClosed }) => isClosed));
  });

  describeWithPeers('on PostgreSQL', { postgresql: hasPostgres }, () => {
    it('is not ready while the database is away, says so to whoever asks, and recovers', async () => {
      const postgres = await startPostgres();
      onTestFinished(() => postgres.stop());
      const url = postgres.url(await postgres.createDatabase());
      await start(configOf({ BELFRY_STORAGE: url, BELFRY_UNIFIED_PUSH_BACKEND: 'storage' }));
      await becomes(httpBase, ready);
      const side = server.current;
      const endpoint = await register(side, ana);
      await postgres.kill();
      await becomes(httpBase, notReady('storage'));
      expect((await postPush(endpoint, body)).status).toBe(500);
      await expect(register(side, ana)).rejects.toMatchObject({
        condition: 'internal-server-error',
        type: 'wait',
      });
      expect((await fetch(`${httpBase}/healthz`)).status).toBe(200);
      await postgres.start();
      await becomes(httpBase, ready);
      expect(await deliver(side, endpoint)).toBe(201);
      expect(server.connections).toHaveLength(1);
    });
  });
});
