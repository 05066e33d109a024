import { describe, expect, it } from 'vitest';
import { ns } from '../../src/xmpp/ns.js';
import type { RawClient } from '../harness/c2s.js';
import { authenticate, fateOf, opening, useHostileServer } from '../harness/hostile.js';
import { waitFor } from '../harness/net.js';

const hostile = useHostileServer();

/** Addresses of this machine's own, which has 16 million of them. */
const address = (number: number) => `127.0.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
const isOpen = ({ isClosed }: RawClient) => !isClosed;

async function openMany(count: number, addresses: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const batch = Array.from({ length: Math.min(200, count - clients.length) }, (_, at) =>
      hostile.open(address((clients.length + at) % addresses)),
    );
    clients.push(...(await Promise.all(batch)));
  }
  return clients;
}

function destroyAll(clients: readonly RawClient[]): void {
  for (const { socket } of clients) socket.destroy();
}

describe('connections that do nothing', () => {
  it('of one address have a bound, and those of others have their own', async () => {
    const files = hostile.openFiles();
    const clients = await openMany(150, 1);
    await waitFor('the surplus to be closed', () => clients.filter(isOpen).length === 100);
    const other = await hostile.open(address(2));
    await other.write(opening).expect('</stream:features>');
    other.socket.destroy();
    destroyAll(clients);
    await waitFor('the connections to be gone', () => hostile.openFiles() <= files);
  });

  it('by the thousand are bounded, keep nobody from logging in, cost little, and end at their time limit', async () => {
    const files = hostile.openFiles();
    const before = await hostile.memory();
    const clients = await openMany(10_000, 200);
    await waitFor('the surplus to be closed', () => clients.filter(isOpen).length <= 1_000, {
      timeout: 30_000,
    });
    expect(hostile.openFiles()).toBeLessThan(files + 1_050);
    await hostile.memoryBelow(before + 30);
    for (let time = 0; time < 5; time++) {
      const newcomer = await hostile.connect('ana@example.test/phone');
      await newcomer.close();
    }
    await hostile.talk();
    await waitFor('the time limit', () => clients.every(({ isClosed }) => isClosed), { timeout: 60_000 });
    await waitFor('the files to be closed', () => hostile.openFiles() <= files);
    await hostile.memoryBelow(before + 3);
  });
});

/** What a connection may do for half a minute that leads to nothing. */
const dawdlers: Readonly<Record<string, (client: RawClient) => unknown>> = {
  'says nothing': () => undefined,
  'sends white space': (client) => keepSending(client, ' '),
  'sends a header bit by bit': (client) => keepSending(client, opening),
  'opens a stream and stops': (client) => client.write(opening),
  'begins to authenticate and stops': (client) => client.write(opening + beginScram),
  'authenticates and binds nothing': (client) => authenticate(client, 'mallory'),
};
const beginScram = `<auth xmlns='${ns.sasl}' mechanism='SCRAM-SHA-256'/>`;

it('who takes too long is told so, or cut off in the middle of a handshake', async () => {
  const files = hostile.openFiles();
  const clients = await openMany(Object.keys(dawdlers).length, 10);
  await Promise.all(Object.values(dawdlers).map((begin, at) => begin(clients[at] ?? fail())));
  const handshakes = await openMany(50, 50);
  for (const client of handshakes) {
    await client.write(opening).expect('</stream:features>');
    await client.write(`<starttls xmlns='${ns.tls}'/>`).expect('<proceed');
    client.write(Buffer.from('1603010200010001fc0303', 'hex'));
  }
  const all = [...clients, ...handshakes];
  await waitFor('the time limit', () => all.every(({ isClosed }) => isClosed), { timeout: 60_000 });
  const fates = await Promise.all(clients.map(fateOf));
  expect(Object.fromEntries(Object.keys(dawdlers).map((what, at) => [what, fates[at]]))).toEqual(
    Object.fromEntries(Object.keys(dawdlers).map((what) => [what, 'connection-timeout'])),
  );
  await waitFor('the files to be closed', () => hostile.openFiles() <= files);
});

function fail(): never {
  throw new Error('there are fewer connections than asked for');
}

function keepSending(client: RawClient, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (client.isClosed) clearInterval(timer);
    else client.write(text[at++] ?? ' ');
  }, 500);
}
