import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from '../../../../tests/harness/dns-server.js';
import { createDns, type Dns } from './dns.js';

let server: DnsServer;
let dns: Dns;

beforeAll(async () => {
  const service = { port: 5269, priority: 10, weight: 5 };
  server = await startDnsServer({
    services: {
      '_xmpp-server._tcp.example.net': [
        { ...service, name: 'one.example.net' },
        { ...service, name: 'two.example.net', priority: 20 },
      ],
      '_xmpp-server._tcp.nowhere.example': [{ ...service, name: '' }],
    },
    addresses: {
      'one.example.net': ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1', '2001:db8::2'],
      'two.example.net': ['192.0.2.9'],
    },
    broken: ['broken.example'],
  });
  dns = createDns({ servers: [`127.0.0.1:${server.port}`] });
});
afterAll(() => server.close());

it('reads SRV records', async () => {
  const records = await dns.services('_xmpp-server._tcp.example.net');
  expect(records.map(({ name, port, priority, weight }) => ({ name, port, priority, weight }))).toEqual([
    { name: 'one.example.net', port: 5269, priority: 10, weight: 5 },
    { name: 'two.example.net', port: 5269, priority: 20, weight: 5 },
  ]);
});

it('reads that a service is decidedly not there', async () => {
  expect(await dns.services('_xmpp-server._tcp.nowhere.example')).toMatchObject([{ name: '' }]);
});

it('reads addresses of both kinds in turns', async () => {
  expect(await dns.addresses('one.example.net')).toEqual([
    ...['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2', '192.0.2.3'],
  ]);
  expect(await dns.addresses('two.example.net')).toEqual(['192.0.2.9']);
});

it('answers nothing for names that are not there, and for those without that kind', async () => {
  expect(await dns.services('_xmpp-server._tcp.absent.example')).toEqual([]);
  expect(await dns.services('one.example.net')).toEqual([]);
  expect(await dns.addresses('absent.example')).toEqual([]);
});

it('rejects if the server fails', async () => {
  await expect(dns.services('broken.example')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  await expect(dns.addresses('broken.example')).rejects.toMatchObject({ code: 'ESERVFAIL' });
});

it('finds hosts of the operator as the system does, and takes addresses as they are', async () => {
  expect(await dns.lookup('192.0.2.77')).toEqual(['192.0.2.77']);
  expect(await dns.lookup('::1')).toEqual(['::1']);
  const local = await dns.lookup('localhost');
  expect(['127.0.0.1', '::1']).toContain(local[0]);
});
