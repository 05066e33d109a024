import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from '../harness/belfry-standalone.js';
import { Phone } from '../harness/cloud-notify/phone.js';
import { untilWaiting } from '../harness/metrics.js';
import { freePort, waitFor } from '../harness/net.js';
import { answers } from '../harness/push-answers.js';
import type { PushService, ReceivedPush, TestSubscription } from '../harness/push-service.js';
import { createPushUserAgent } from '../harness/push-user-agent.js';
import { enableWebPush, keyOf, type WebSubscription } from '../harness/web-push/browser.js';
import { createPushServices, type PushServices } from '../harness/web-push/world.js';
import { connectPeer, type Peer } from '../harness/xmpp-peer.js';

// The slower the machine, the longer the pauses before what waits is tried again.
vi.setConfig({ testTimeout: 300_000 });

const domain = 'belfry.example';
const password = 'a-password';
const users = 100;
const friends = 10;
const farUsers = 5;
const names = (kind: string, count: number) => Array.from({ length: count }, (_, index) => `${kind}${index}`);

let services: PushServices;
let pushService: PushService;
let server: StandaloneServer;
let subscriptions: readonly TestSubscription[];

beforeAll(async () => {
  services = await createPushServices();
  pushService = await services.start();
  server = await startStandalone({
    accounts: Object.fromEntries(
      [...names('user', users), ...names('friend', friends), ...names('far', farUsers)].map((name) => [
        `${name}@${domain}`,
        password,
      ]),
    ),
    more: { web_push: services.keys },
  });
  subscriptions = await Promise.all(
    names('user', users).map((user) => absent(user, (key) => pushService.subscribe(key))),
  );
});
afterAll(async () => {
  await server?.stop();
  await services?.close();
});
beforeEach(() => {
  for (const subscription of subscriptions) subscription.answer();
});

/** Enables Web Push for a client that goes. */
async function absent<S extends WebSubscription>(user: string, subscribe: (key: string) => S): Promise<S> {
  const account = { port: server.c2sPort, jid: `${user}@${domain}/browser`, password };
  const phone = await Phone.logIn(account);
  const subscription = subscribe(await keyOf(phone));
  await phone.ask('set', enableWebPush(subscription));
  await phone.logOut();
  return subscription;
}

/** Friends write one message each to each of them, whose id is its text. */
async function everybodyWrites(to: readonly string[]): Promise<void> {
  const connect = { host: '127.0.0.1', port: server.c2sPort };
  const peers: Peer[] = await Promise.all(
    names('friend', friends).map((name) => connectPeer({ connect }, `${name}@${domain}/pc`, password)),
  );
  for (const peer of peers) {
    for (const user of to) {
      const body = el('body', ns.client, {}, 'Hello');
      peer.send(message({ to: `${user}@${domain}`, type: 'chat', id: `to-${user}` }, body));
    }
  }
  await Promise.all(peers.map((peer) => peer.settle()));
  await Promise.all(peers.map((peer) => peer.close()));
}

const waitUntilWaiting = (count: number) =>
  untilWaiting(server.httpBase, count, { timeout: 90_000, interval: 200 });

/** Requests that a browser got since there were so many, by their topic. */
function byTopic(requests: readonly ReceivedPush[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { headers } of requests) {
    const topic = String(headers['topic']);
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
  }
  return counts;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

const requestCounts = () => subscriptions.map(({ received }) => received.length);

it('a crash loses none of a thousand messages that wait, and sends none again that had an answer', async () => {
  pushService.answer(answers.unavailable);
  await everybodyWrites(names('user', users));
  await waitUntilWaiting(users * friends);

  const answered = subscriptions.slice(0, users / 2);
  const others = subscriptions.slice(users / 2);
  const atFirst = requestCounts();
  for (const subscription of answered) subscription.answer(answers.created);
  await waitUntilWaiting((users * friends) / 2);
  for (const [index, { received }] of answered.entries()) {
    expect([...byTopic(received.slice(atFirst[index])).values()]).toEqual(Array(friends).fill(1));
  }

  await server.kill('SIGKILL');
  await waitFor('its connections to be gone', () => pushService.connections.open === 0);
  const before = requestCounts();
  pushService.answer(answers.created);
  await server.restart();
  await waitUntilWaiting(0);
  const afterwards = requestCounts();
  expect(afterwards.slice(0, answered.length)).toEqual(before.slice(0, answered.length));
  for (const [index, { received }] of others.entries()) {
    const topics = byTopic(received.slice(before[answered.length + index]));
    expect([...topics.values()]).toEqual(Array(friends).fill(1));
  }
});

it('a stop waits not long for a push service that says nothing, and what it was sent is sent again', async () => {
  pushService.answer(answers.hang);
  const some = names('user', 10);
  const before = requestCounts();
  const arrived = () => sum(requestCounts()) - sum(before);
  await everybodyWrites(some);
  // More are not under way to one browser at once; the others wait in memory.
  await waitFor('requests', () => arrived() >= some.length * 3, { timeout: 30_000 });
  await server.kill();
  expect(server.exitCode).toBe(0);
  await waitFor('its connections to be gone', () => pushService.connections.open === 0);
  const atStop = requestCounts();
  pushService.answer(answers.created);
  await server.restart();
  await waitUntilWaiting(0);
  for (const [index, { received }] of subscriptions.slice(0, some.length).entries()) {
    expect([...byTopic(received.slice(atStop[index])).values()]).toEqual(Array(friends).fill(1));
  }
});

it('a push service that accepts connections and says nothing delays nobody else, and gets its own when it speaks', async () => {
  const port = await freePort();
  const silent = await listenSilently(port);
  const far = names('far', farUsers);
  const endpoint = (user: string) => `https://localhost:${port}/push/${user}`;
  await Promise.all(
    far.map((user) => absent(user, () => ({ endpoint: endpoint(user), ...createPushUserAgent().keys }))),
  );
  const before = requestCounts();
  await everybodyWrites(far);
  await waitFor('a connection', () => silent.connections() > 0);
  await everybodyWrites(names('user', users));
  const delivered = () =>
    subscriptions.every(({ received }, at) => received.length === (before[at] ?? 0) + friends);
  await waitFor('the others to be told', delivered, { timeout: 30_000 });
  expect(silent.connections()).toBeLessThanOrEqual(3);

  await waitUntilWaiting(farUsers * friends);
  await silent.close();
  const again = await services.start({ port });
  await waitFor('the rest', () => again.requests.length === farUsers * friends, { timeout: 90_000 });
  await waitUntilWaiting(0);
  expect(new Set(again.requests.map(({ headers }) => headers['topic'])).size).toBe(farUsers * friends);
});

/** Takes connections, and never says a word. */
async function listenSilently(port: number) {
  const sockets: Socket[] = [];
  const listener = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  return {
    connections: () => sockets.length,
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
