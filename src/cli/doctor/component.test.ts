import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeComponentServer } from '../../../tests/harness/fake-component-server.js';
import { loadConfig } from '../../config/load.js';
import type { probeComponent } from '../../hosts/component/probe.js';
import type { Jid } from '../../xmpp/jid.js';
import { checkComponent } from './component.js';
import type { RunningBelfry } from './running.js';

let server: FakeComponentServer;

beforeEach(async () => {
  server = new FakeComponentServer({ domain: 'push.example.org', secret: 's3cret' });
  await server.start();
});

afterEach(() => server.stop());

function check(
  env: Record<string, string>,
  ...more: [running: RunningBelfry | undefined, probe?: typeof probeComponent]
) {
  const config = loadConfig({
    cwd: '/nonexistent',
    env: {
      BELFRY_HOST: 'component',
      BELFRY_COMPONENT_JID: 'push.example.org',
      BELFRY_COMPONENT_SECRET: 's3cret',
      BELFRY_COMPONENT_CONNECT: `127.0.0.1:${server.port}`,
      ...env,
    },
  });
  const { host } = config;
  if (host.kind !== 'component') throw new Error('this is no component');
  return checkComponent(host, config, ...more);
}

describe('the component', () => {
  it('is fine if the server takes it', async () => {
    expect(await check({}, undefined)).toMatchObject([
      { status: 'ok', text: 'the XMPP server takes push.example.org' },
    ]);
  });

  it('fails with reason and remedy if it does not', async () => {
    const findings = await check({ BELFRY_COMPONENT_SECRET: 'canary' }, undefined);
    expect(findings).toMatchObject([
      { status: 'failed', remedy: expect.stringMatching(/component\.secret/) },
    ]);
    expect(JSON.stringify(findings)).not.toContain('canary');
  });

  it('is not disturbed while a running Belfry is connected', async () => {
    const running = { instance: 'x', isConnected: true };
    expect(await check({}, running)).toMatchObject([{ status: 'ok' }]);
    expect(server.connections).toEqual([]);
  });

  it('is asked for the reason if a running Belfry is not connected', async () => {
    const running = { instance: 'x', isConnected: false };
    expect(await check({}, running)).toMatchObject([{ status: 'ok' }]);
    expect(server.connections).toHaveLength(1);
  });

  it('is looked at under each of its names', async () => {
    const asked: string[] = [];
    const names = { BELFRY_UNIFIED_PUSH_JID: 'up.example.org', BELFRY_GATEWAY_JID: 'gw.example.org' };
    const probe = async ({ jid }: { jid: Jid }) => {
      asked.push(String(jid));
      return { ok: true } as const;
    };
    await check(names, undefined, probe);
    expect(asked).toEqual(['push.example.org', 'up.example.org', 'gw.example.org']);
    await check({ ...names, BELFRY_GATEWAY_ENABLED: 'false' }, undefined, probe);
    expect(asked.slice(3)).toEqual(['push.example.org', 'up.example.org']);
  });
});
