import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../src/config/load.js';
import { type HostingOptions, openAccounts, openHosting } from '../src/hosting.js';
import { openStorage, type Storage } from '../src/storage/open.js';
import { Jid } from '../src/xmpp/jid.js';
import { FakeComponentServer } from './harness/fake-component-server.js';
import { waitFor } from './harness/net.js';
import { recordingEvents } from './harness/recording-events.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-hosting-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const domain = 'push.example.org';
const [unifiedPush, gateway] = ['up.example.org', 'gw.example.org'];

/** Opens what the environment asks for, with a storage of its own. */
async function open(env: Readonly<Record<string, string>>) {
  const config = loadConfig({ cwd: temporaryFolder(), env });
  const { events, recorded } = recordingEvents();
  const storage = await openStorage(config.storage, { events });
  onTestFinished(() => storage.close());
  const options: HostingOptions = { version: '1.2.3', instance: 'p1', storage, events };
  return { config, options, storage, recorded };
}

describe('a component', () => {
  async function openComponent(jids: Readonly<Record<string, string>>) {
    const server = new FakeComponentServer({ domain, furtherDomains: [unifiedPush, gateway] });
    await server.start();
    onTestFinished(() => server.stop());
    const { config, options } = await open({
      BELFRY_HOST: 'component',
      BELFRY_COMPONENT_JID: domain,
      BELFRY_COMPONENT_SECRET: server.secret,
      BELFRY_COMPONENT_CONNECT: `127.0.0.1:${server.port}`,
      ...jids,
    });
    const hosting = await openHosting(config, options);
    onTestFinished(() => hosting.stop());
    return { hosting, server };
  }

  it.each([
    ['its own alone', {}, domain, domain, [domain]],
    ['that of the gateway', { BELFRY_GATEWAY_JID: gateway }, domain, gateway, [domain, gateway]],
    [
      'that of UnifiedPush',
      { BELFRY_UNIFIED_PUSH_JID: unifiedPush },
      unifiedPush,
      domain,
      [domain, unifiedPush],
    ],
    [
      'one of both services',
      { BELFRY_UNIFIED_PUSH_JID: unifiedPush, BELFRY_GATEWAY_JID: unifiedPush },
      unifiedPush,
      unifiedPush,
      [domain, unifiedPush],
    ],
    [
      'one of each service',
      { BELFRY_UNIFIED_PUSH_JID: unifiedPush, BELFRY_GATEWAY_JID: gateway },
      unifiedPush,
      gateway,
      [domain, gateway, unifiedPush],
    ],
    ['its own, and no gateway', { BELFRY_GATEWAY_ENABLED: 'false' }, domain, undefined, [domain]],
  ])('has one connection for each JID: %s', async (_, jids, ofPush, ofGateway, connections) => {
    const { hosting, server } = await openComponent(jids);
    expect(hosting.push.domain.toString()).toBe(ofPush);
    expect(hosting.gateway?.domain.toString()).toBe(ofGateway);
    expect(hosting.gateway === hosting.push).toBe(ofGateway === ofPush);
    expect(hosting.isConnected).toBe(false);
    await hosting.start();
    await waitFor('all connections', () => hosting.isConnected);
    expect(server.connections.map((connection) => connection.domain).toSorted()).toEqual(
      connections.toSorted(),
    );
  });

  it('is not connected as long as one of them is not', async () => {
    const { hosting, server } = await openComponent({ BELFRY_GATEWAY_JID: gateway });
    await hosting.start();
    await waitFor('all connections', () => hosting.isConnected);
    server.script = () => undefined;
    server.connectionOf(gateway).socket.destroy();
    await waitFor('the loss', () => hosting.gateway?.isConnected === false);
    expect([hosting.push.isConnected, hosting.isConnected]).toEqual([true, false]);
  });
});

describe('a server', () => {
  it('has one entity for both services, if they have one JID', async () => {
    const { config, options } = await open({
      BELFRY_DOMAIN: 'example.org',
      BELFRY_STANDALONE_S2S: 'false',
      BELFRY_UNIFIED_PUSH_JID: domain,
    });
    const hosting = await openHosting(config, options);
    onTestFinished(() => hosting.stop());
    expect(hosting.gateway).toBe(hosting.push);
    expect(hosting.gateway?.domain.toString()).toBe(domain);
  });
});

describe('an account that is removed', () => {
  const ana = 'ana@example.org';

  async function register({ gateway: store }: Storage, account: string): Promise<void> {
    const [node, endpoint] = [`node of ${account}`, `https://push.example/${account}`];
    const keys = { p256dh: new Uint8Array(65), auth: new Uint8Array(16) };
    const registration = {
      node,
      account,
      device: 'd',
      endpoint,
      ...keys,
      onlyImportant: false,
      renewedAt: 1,
    };
    await store.save(registration, 10);
  }

  async function begin(change: (storage: Storage) => Storage = (storage) => storage) {
    const parts = await open({ BELFRY_DOMAIN: 'example.org' });
    const { config, options, storage } = parts;
    if (config.host.kind !== 'standalone') throw new Error('this is no server');
    const { accounts, close } = openAccounts(config.host, { ...options, storage: change(storage) });
    onTestFinished(close);
    await accounts.create(Jid.parse(ana), randomBytes(8).toString('hex'), 'operator');
    await register(storage, ana);
    await register(storage, 'ben@example.org');
    const left = async (account: string) => (await storage.gateway.list(account)).length;
    return { ...parts, accounts, left };
  }

  it('takes with it what the gateway has of it, and nothing of others', async () => {
    const { accounts, left } = await begin();
    await accounts.remove(Jid.parse(ana), 'operator');
    expect([await left(ana), await left('ben@example.org')]).toEqual([0, 1]);
  });

  it('does so even if what others have of it cannot be removed', async () => {
    const error = new Error('the disk is gone');
    const { accounts, left, recorded } = await begin((storage) => ({
      ...storage,
      registrations: { ...storage.registrations, removeAccount: () => Promise.reject(error) },
    }));
    expect(await accounts.remove(Jid.parse(ana), 'operator')).toBe(true);
    expect(await left(ana)).toBe(0);
    expect(recorded).toContainEqual({
      name: 'storageFailed',
      what: 'registrations of a removed account',
      error,
    });
  });
});
