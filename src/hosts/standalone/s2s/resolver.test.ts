import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import type { ListenAddress } from '../connections/tcp-listener.js';
import type { Dns, ServiceRecord } from './dns.js';
import { type Resolution, type ResolverOptions, S2sResolver } from './resolver.js';

const service = (name: string, port: number, priority = 0): ServiceRecord => ({
  name,
  port,
  priority,
  weight: 0,
});

interface World {
  readonly services?: Readonly<Record<string, readonly ServiceRecord[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /** Names for which there is no answer. */
  readonly broken?: readonly string[];
  readonly connect?: Readonly<Record<string, ListenAddress>>;
  readonly allowPrivateNetworks?: boolean;
  readonly limits?: ResolverOptions['limits'];
}

function createWorld(world: World) {
  const asked: string[] = [];
  const clock = new FakeClock();
  const answer = async <T>(name: string, of: Readonly<Record<string, readonly T[]>> = {}) => {
    asked.push(name);
    if (world.broken?.includes(name) === true) throw Object.assign(new Error(name), { code: 'ESERVFAIL' });
    return of[name] ?? [];
  };
  const dns: Dns = {
    services: (name) => answer(name, world.services),
    addresses: (host) => answer(host, world.addresses),
    lookup: (host) => answer(`/${host}`, world.addresses),
  };
  const { connect = {}, allowPrivateNetworks = false, limits } = world;
  const settings = { connect: new Map(Object.entries(connect)), allowPrivateNetworks };
  const resolver = new S2sResolver({
    ...{ dns, clock, random: () => 0, settings: () => settings },
    ...(limits !== undefined && { limits }),
  });
  return { resolver, asked, clock };
}

const shown = (resolution: Resolution) =>
  resolution.kind === 'failed'
    ? [resolution.failure.condition, resolution.failure.reason]
    : resolution.endpoints.map(
        ({ address, port, isDirectTls }) => `${address} ${port}${isDirectTls ? ' tls' : ''}`,
      );
const resolve = async (world: World, domain = 'example.net') =>
  shown(await createWorld(world).resolver.resolve(domain));

const nothing = ['remote-server-not-found', 'DNS knows no server of that domain.'];

describe('a server is found', () => {
  it('by its own address at the usual port, without SRV', async () => {
    const addresses = { 'example.net': ['1.1.1.1', '2606::1'] };
    expect(await resolve({ addresses })).toEqual(['1.1.1.1 5269', '2606::1 5269']);
  });

  it('by SRV records of both kinds, mixed by priority', async () => {
    const found = await resolve({
      services: {
        '_xmpps-server._tcp.example.net': [
          service('tls.example.net', 443, 5),
          service('last.example.net', 5270, 30),
        ],
        '_xmpp-server._tcp.example.net': [
          service('one.example.net', 5269, 1),
          service('two.example.net', 5000, 10),
        ],
      },
      addresses: {
        'one.example.net': ['1.1.1.1'],
        'two.example.net': ['1.1.1.2', '1.1.1.3'],
        'tls.example.net': ['1.1.1.4'],
        'last.example.net': ['1.1.1.5'],
        'example.net': ['1.1.1.9'],
      },
    });
    expect(found).toEqual([
      '1.1.1.1 5269',
      '1.1.1.4 443 tls',
      '1.1.1.2 5000',
      '1.1.1.3 5000',
      '1.1.1.5 5270 tls',
    ]);
  });

  it('by the SRV records that there are if DNS does not answer for the other kind', async () => {
    const found = await resolve({
      services: { '_xmpp-server._tcp.example.net': [service('one.example.net', 5269)] },
      addresses: { 'one.example.net': ['1.1.1.1'] },
      broken: ['_xmpps-server._tcp.example.net'],
    });
    expect(found).toEqual(['1.1.1.1 5269']);
  });

  it('by the places whose addresses are known', async () => {
    const services = [service('broken.example', 1), service('absent.example', 2), service('one.example', 3)];
    const found = await resolve({
      services: { '_xmpp-server._tcp.example.net': services },
      addresses: { 'one.example': ['1.1.1.1'] },
      broken: ['broken.example'],
    });
    expect(found).toEqual(['1.1.1.1 3']);
  });

  it('by its own address if only TLS from the first byte is decidedly not there', async () => {
    const found = await resolve({
      services: { '_xmpps-server._tcp.example.net': [service('', 0)] },
      addresses: { 'example.net': ['1.1.1.1'] },
    });
    expect(found).toEqual(['1.1.1.1 5269']);
  });

  it('by the ASCII form of its name', async () => {
    const { resolver, asked } = createWorld({ addresses: { 'xn--bcher-kva.example': ['1.1.1.1'] } });
    expect(shown(await resolver.resolve('bücher.example'))).toEqual(['1.1.1.1 5269']);
    expect(asked).toEqual([
      '_xmpps-server._tcp.xn--bcher-kva.example',
      '_xmpp-server._tcp.xn--bcher-kva.example',
      'xn--bcher-kva.example',
    ]);
  });

  it('where the operator says, and DNS is not asked', async () => {
    const { resolver, asked } = createWorld({
      connect: { 'example.net': { host: 'inside', port: 5999 } },
      addresses: { '/inside': ['10.0.0.1', '127.0.0.1'], 'example.net': ['1.1.1.1'] },
    });
    expect(shown(await resolver.resolve('example.net'))).toEqual(['10.0.0.1 5999', '127.0.0.1 5999']);
    expect(asked).toEqual(['/inside']);
  });

  it('at the address that its domain is', async () => {
    expect(await resolve({}, '1.1.1.1')).toEqual(['1.1.1.1 5269']);
    expect(await resolve({}, '[2606::1]')).toEqual(['2606::1 5269']);
  });
});

describe('no server is found', () => {
  it.each<[string, World]>([
    ['without records', {}],
    [
      'if the service is decidedly not there',
      {
        services: { '_xmpp-server._tcp.example.net': [service('', 0)] },
        addresses: { 'example.net': ['1.1.1.1'] },
      },
    ],
    [
      'if the places have no addresses',
      {
        services: { '_xmpp-server._tcp.example.net': [service('absent.example', 5269)] },
        addresses: { 'example.net': ['1.1.1.1'] },
      },
    ],
    [
      'if the operator names a host that is not there',
      { connect: { 'example.net': { host: 'absent', port: 1 } } },
    ],
  ])('%s', async (_, world) => {
    expect(await resolve(world)).toEqual(nothing);
  });

  it.each<[string, readonly string[]]>([
    ['for services', ['_xmpp-server._tcp.example.net']],
    ['for addresses', ['example.net']],
  ])('if DNS does not answer %s', async (_, broken) => {
    const world = { addresses: { 'example.net': ['1.1.1.1'] }, broken };
    expect(await resolve(world)).toEqual(['remote-server-timeout', 'DNS did not answer (ESERVFAIL).']);
  });
});

describe('addresses of private networks', () => {
  const inside: World = { addresses: { 'example.net': ['10.0.0.1', '::1', '::ffff:192.168.0.1'] } };

  it('do not count', async () => {
    const refused = ['remote-server-not-found', 'DNS leads to a private network.'];
    expect(await resolve(inside)).toEqual(refused);
    for (const domain of ['127.0.0.1', '[::1]', '[::ffff:10.0.0.1]'])
      expect(await resolve({}, domain)).toEqual(refused);
  });

  it('do not count beside others', async () => {
    const addresses = { 'example.net': ['10.0.0.1', '1.1.1.1'] };
    expect(await resolve({ addresses })).toEqual(['1.1.1.1 5269']);
  });

  it('count where the operator wants that', async () => {
    const found = ['10.0.0.1 5269', '::1 5269', '::ffff:192.168.0.1 5269'];
    expect(await resolve({ ...inside, allowPrivateNetworks: true })).toEqual(found);
  });
});

describe('what was found', () => {
  const addresses = { 'example.net': ['1.1.1.1'], 'example.org': ['1.1.1.2'] };

  it('is remembered for a while, for some domains', async () => {
    const { resolver, asked, clock } = createWorld({ addresses, limits: { domains: 1, rememberFor: 1_000 } });
    await resolver.resolve('example.net');
    await resolver.resolve('example.net');
    expect(asked.filter((name) => name === 'example.net')).toHaveLength(1);
    clock.advance(1_000);
    await resolver.resolve('example.net');
    expect(asked.filter((name) => name === 'example.net')).toHaveLength(2);
    await resolver.resolve('example.org');
    await resolver.resolve('example.net');
    expect(asked.filter((name) => name === 'example.net')).toHaveLength(3);
  });

  it('is forgotten when it is of no use', async () => {
    const { resolver, asked } = createWorld({ addresses });
    await resolver.resolve('example.net');
    resolver.forget('example.net');
    await resolver.resolve('example.net');
    expect(asked.filter((name) => name === 'example.net')).toHaveLength(2);
  });

  it('is not remembered if it was nothing', async () => {
    const { resolver, asked } = createWorld({});
    await resolver.resolve('example.net');
    await resolver.resolve('example.net');
    expect(asked.filter((name) => name === 'example.net')).toHaveLength(2);
  });

  it('is asked for once by all who want it at a time', async () => {
    const { resolver, asked } = createWorld({ addresses });
    await Promise.all([resolver.resolve('example.net'), resolver.resolve('example.net')]);
    expect(asked.filter((name) => name === 'example.net')).toHaveLength(1);
  });

  it('has bounds', async () => {
    const many = Array.from({ length: 20 }, (_, index) => service(`${index}.example.net`, 5269, index));
    const four = ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'];
    const { resolver, asked } = createWorld({
      services: { '_xmpp-server._tcp.example.net': many },
      addresses: Object.fromEntries(many.map(({ name }) => [name, four])),
    });
    expect(shown(await resolver.resolve('example.net'))).toHaveLength(16);
    expect(asked).toHaveLength(2 + 8);
  });
});
