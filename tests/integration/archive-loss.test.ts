import { describe, expect, it, onTestFinished } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { bind, openRawClient, type RawClient } from '../harness/c2s.js';
import { authenticate, domain, opening, password } from '../harness/hostile.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres, startPostgres } from '../harness/postgres.js';
import { connectPeer } from '../harness/xmpp-peer.js';

const ana = `ana@${domain}`;
const senders = ['bob', 'eve', 'tim'];
/** Messages that a sender writes before it asks how many were taken. */
const burst = 7;
/** How many of its messages a sender leaves unacknowledged. */
const ahead = 300;

async function start(storage?: string): Promise<StandaloneServer> {
  const names = ['ana', ...senders];
  const server = await startStandalone({
    accounts: Object.fromEntries(names.map((name) => [`${name}@${domain}`, password])),
    ...(storage !== undefined && { storage }),
  });
  onTestFinished(() => server.stop());
  return server;
}

/** A session with stream management (XEP-0198) that has sent no stanza since. */
async function managed(server: StandaloneServer, name: string): Promise<RawClient> {
  const client = await openRawClient(server.c2sPort);
  await authenticate(client, name);
  await client.write(opening).expect('</stream:features>');
  await client.write(bind('desk')).expect('<jid>');
  await client.write(`<enable xmlns='${ns.streamManagement}'/>`).expect('<enabled');
  return client;
}

/** Sends and asks, and sends more without waiting for the answer, until the server is gone. */
function talk(client: RawClient, name: string): void {
  let number = 0;
  const more = () => {
    if (client.isClosed || client.socket.destroyed) return;
    setImmediate(more);
    if (number - acknowledged(client) > ahead) return;
    let text = '';
    for (let n = 0; n < burst; n++) {
      text += `<message to='${ana}' type='chat'><body>${name} ${number++}</body></message>`;
    }
    client.write(`${text}<r xmlns='${ns.streamManagement}'/>`);
  };
  more();
}

/** How many stanzas of the client the server has acknowledged. */
function acknowledged(client: RawClient): number {
  const counts = [...client.text.matchAll(/<a [^>]*h='(\d+)'/g)].map(([, count]) => Number(count));
  return Math.max(0, ...counts);
}

const resultSet = (name: string, text: string) => el(name, ns.resultSets, {}, text);

/** What an account's archive has, in order. */
async function archiveOf(server: StandaloneServer, name: string): Promise<readonly string[]> {
  const connect = { host: '127.0.0.1', port: server.c2sPort };
  const peer = await connectPeer({ connect }, `${name}@${domain}/reader`, password);
  const bodies: string[] = [];
  let fin: Element | undefined;
  while (fin?.attr('complete') !== 'true') {
    const last = fin?.child('set', ns.resultSets)?.child('last')?.text() ?? '';
    const set = el('set', ns.resultSets, {}, resultSet('after', last));
    const payload = el('query', ns.archive, {}, set);
    const answer = await peer.client.request({ type: 'set', payload });
    if (answer.kind !== 'result') throw new Error(`no archive: ${JSON.stringify(answer)}`);
    fin = answer.payload;
    bodies.push(...peer.take().flatMap(bodyOf));
  }
  await peer.close();
  return bodies;
}

function bodyOf(stanza: Element): string[] {
  const forwarded = stanza.child('result', ns.archive)?.child('forwarded', ns.forward);
  const body = forwarded?.child('message', ns.client)?.child('body')?.text();
  return body === undefined ? [] : [body];
}

/** The numbers of what a sender has said. */
function numbersOf(name: string, bodies: readonly string[]): number[] {
  return bodies.filter((body) => body.startsWith(`${name} `)).map((body) => Number(body.split(' ')[1]));
}

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Kills the server while three accounts write to a fourth, and compares what they were told with what there is. */
async function expectNothingLost(server: StandaloneServer): Promise<void> {
  const clients = new Map<string, RawClient>();
  for (const name of senders) clients.set(name, await managed(server, name));
  for (const [name, client] of clients) talk(client, name);
  const isUnderWay = () => [...clients.values()].every((one) => acknowledged(one) > 200);
  await waitFor('acknowledgements', isUnderWay, { timeout: 60_000 });
  await server.kill('SIGKILL');
  for (const client of clients.values()) await client.closed();
  await server.restart();
  const received = await archiveOf(server, 'ana');
  for (const [name, client] of clients) {
    const taken = acknowledged(client);
    const archives = { receiver: received, sender: await archiveOf(server, name) };
    for (const [whose, bodies] of Object.entries(archives)) {
      const numbers = numbersOf(name, bodies);
      expect(numbers, `in the archive of the ${whose}`).toEqual(upTo(numbers.length));
      expect(numbers.length, `in the archive of the ${whose}`).toBeGreaterThanOrEqual(taken);
    }
  }
}

describe('a server that is killed in a burst', () => {
  it('has every message that it has acknowledged, in both archives and in order', async () => {
    await expectNothingLost(await start());
  });
});

describeWithPeers('a server on PostgreSQL that is killed in a burst', { postgresql: hasPostgres }, () => {
  it('has every message that it has acknowledged, in both archives and in order', async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.stop());
    await expectNothingLost(await start(postgres.url(await postgres.createDatabase())));
  });
});
