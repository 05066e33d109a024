import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from '../../tests/harness/dns-server.js';
import { hostileByName } from '../../tests/hostile-endpoints.js';
import { createGuard, type Guard } from './guard.js';

interface Found {
  readonly error: NodeJS.ErrnoException | null;
  readonly addresses: string | readonly LookupAddress[];
}

const lookup = (guard: Guard, hostname: string, all = true): Promise<Found> =>
  new Promise((resolve) => {
    guard.lookup(hostname, { all }, (error, addresses) => resolve({ error, addresses }));
  });

const guardFor = (...addresses: readonly string[]) =>
  createGuard({ allowPrivateNetworks: false, resolve: async () => addresses });

describe('judge', () => {
  it('has nothing against public addresses', async () => {
    expect(await guardFor('9.9.9.9', '2620:fe::fe').judge('push.example.org')).toBeUndefined();
    expect(await guardFor().judge('9.9.9.9')).toBeUndefined();
  });

  it.each(hostileByName)('says why not: $name', async ({ endpoint, dns = [] }) => {
    const guard = guardFor(...(dns.at(-1) ?? []));
    expect(await guard.judge(new URL(endpoint).hostname)).toBe('Its host is not in the public network.');
  });

  it('asks nobody for an address', async () => {
    const resolve = () => Promise.reject(new Error('was asked'));
    const guard = createGuard({ allowPrivateNetworks: false, resolve });
    expect(await guard.judge('127.0.0.1')).toMatch(/not in the public network/);
    expect(await guard.judge('::1')).toMatch(/not in the public network/);
  });

  it('does not know while DNS does not answer', async () => {
    const resolve = () => Promise.reject(new Error('DNS is down'));
    const guard = createGuard({ allowPrivateNetworks: false, resolve });
    expect(await guard.judge('push.example.org')).toBeUndefined();
  });

  it('says the same of what is inside and of what does not exist', async () => {
    const inside = await guardFor('10.0.0.1').judge('payroll.example.org');
    expect(inside).toBe('Its host is not in the public network.');
    expect(await guardFor().judge('nobody.example.org')).toBe(inside);
  });

  it('lets private networks pass where they are allowed, and no others', async () => {
    const resolve = async (hostname: string) => [
      hostname === 'nas.local' ? '192.168.0.2' : '169.254.169.254',
    ];
    const guard = createGuard({ allowPrivateNetworks: true, resolve });
    expect(await guard.judge('nas.local')).toBeUndefined();
    expect(await guard.judge('metadata.local')).toMatch(/not in the public network/);
  });
});

describe('lookup', () => {
  it('answers as that of the system does, one or all', async () => {
    const guard = guardFor('2620:fe::fe', '9.9.9.9');
    expect(await lookup(guard, 'push.example.org')).toEqual({
      error: null,
      addresses: [
        { address: '2620:fe::fe', family: 6 },
        { address: '9.9.9.9', family: 4 },
      ],
    });
    expect(await lookup(guard, 'push.example.org', false)).toEqual({ error: null, addresses: '2620:fe::fe' });
  });

  it.each(hostileByName)('fails: $name', async ({ endpoint, dns = [] }) => {
    const { error } = await lookup(guardFor(...(dns.at(-1) ?? [])), new URL(endpoint).hostname);
    expect(error?.code).toBe('EREFUSEDADDRESS');
  });

  it('fails where there is nothing, and as DNS does', async () => {
    expect((await lookup(guardFor(), 'push.example.org')).error?.code).toBe('ENOTFOUND');
    const resolve = () => Promise.reject(Object.assign(new Error('down'), { code: 'ESERVFAIL' }));
    const guard = createGuard({ allowPrivateNetworks: false, resolve });
    expect((await lookup(guard, 'push.example.org')).error?.code).toBe('ESERVFAIL');
  });

  it('gives no more addresses than can be tried', async () => {
    const guard = guardFor(...Array.from({ length: 200 }, (_, index) => `9.9.9.${index}`));
    expect((await lookup(guard, 'push.example.org')).addresses).toHaveLength(16);
  });

  it('finds names of the machine where private networks are allowed', async () => {
    const guard = createGuard({ allowPrivateNetworks: true });
    const { addresses } = await lookup(guard, 'localhost');
    expect(addresses).toContainEqual({ address: '127.0.0.1', family: 4 });
  });
});

describe('what DNS says', () => {
  const servers: DnsServer[] = [];

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  it('counts with all of its records, behind other names too', async () => {
    const server = await startDnsServer({
      addresses: {
        'good.example.org': ['9.9.9.9', '2620:fe::fe'],
        'mixed.example.org': ['9.9.9.9', 'fe80::1'],
        'intranet.corp': ['10.0.0.1'],
      },
      aliases: { 'alias.example.org': 'good.example.org', 'hidden.example.org': 'intranet.corp' },
      broken: ['broken.example.org'],
    });
    servers.push(server);
    const guard = createGuard({ allowPrivateNetworks: false, dnsServers: [`127.0.0.1:${server.port}`] });
    const both = [
      { address: '2620:fe::fe', family: 6 },
      { address: '9.9.9.9', family: 4 },
    ];
    expect(await lookup(guard, 'good.example.org')).toEqual({ error: null, addresses: both });
    expect(await lookup(guard, 'alias.example.org')).toEqual({ error: null, addresses: both });
    for (const name of ['mixed.example.org', 'hidden.example.org'])
      expect((await lookup(guard, name)).error?.code).toBe('EREFUSEDADDRESS');
    for (const name of ['broken.example.org', 'none.example.org'])
      expect((await lookup(guard, name)).error?.code).toMatch(/^E(SERVFAIL|NOTFOUND)$/);
    const refused = 'Its host is not in the public network.';
    expect(await guard.judge('none.example.org')).toBe(refused);
    expect(await guard.judge('hidden.example.org')).toBe(refused);
    expect(await guard.judge('broken.example.org')).toBeUndefined();
  });
});
