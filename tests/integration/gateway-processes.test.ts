import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Element } from '../../src/xmpp/element.js';
import { askAll, verdictOf } from '../harness/gateway/ask-all.js';
import { notification, publish, unregister } from '../harness/gateway/requests.js';
import { type GatewayPlace, type Registered, startGatewayPlace } from '../harness/gateway/world.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { hasPostgres, type PostgresServer, startPostgres } from '../harness/postgres.js';
import { answers } from '../harness/push-answers.js';
import type { PushService, TestSubscription } from '../harness/push-service.js';
import { createPushServices, type PushServices } from '../harness/web-push/world.js';

// What a process had claimed that was killed is nobody else's for 90 seconds.
vi.setConfig({ testTimeout: 300_000 });

describeWithPeers('two processes that share PostgreSQL', { postgresql: hasPostgres }, () => {
  let postgres: PostgresServer;
  let database: string;
  let services: PushServices;
  let pushService: PushService;
  let one: GatewayPlace;
  let two: GatewayPlace;
  let accounts = 0;

  beforeAll(async () => {
    postgres = await startPostgres();
    database = await postgres.createDatabase();
    services = await createPushServices();
    pushService = await services.start();
    const start = () =>
      startGatewayPlace({
        webPush: services.keys,
        gateway: { rate_limit: 0 },
        storage: postgres.url(database),
      });
    one = await start();
    two = await start();
  });
  afterAll(async () => {
    await one?.stop();
    await two?.stop();
    await services?.close();
    await postgres?.stop();
  });

  /** In the order of the alphabet. */
  const texts = Array.from({ length: 6 }, (_, at) => `text-${at}`);
  const newAccount = () => `user${accounts++}@example.org`;
  const register = (by: GatewayPlace, account = newAccount(), subscription = pushService.subscribe()) =>
    by.register(account, subscription);
  const ask = async (by: GatewayPlace, from: string, payload: Element) =>
    verdictOf(await by.server.current.ask('set', from, payload));

  /** A publish for a device: of another conversation each, so that none takes the place of another. */
  const telling = ({ node, secret }: Registered, text: string) => {
    const sender = `friend-of-${text}@example.org`;
    const summary = { 'message-count': '1', 'last-message-sender': sender, 'last-message-body': text };
    return publish(node, secret, notification(summary));
  };
  const publishBy = (by: GatewayPlace, registered: Registered, text = 'Hello') =>
    ask(by, 'example.org', telling(registered, text));

  /** These texts for each, half of them by each process. */
  async function publishByBoth(some: readonly Registered[], texts: readonly string[]): Promise<void> {
    const requests = (by: GatewayPlace) =>
      texts
        .filter((_, at) => (at % 2 === 0) === (by === one))
        .flatMap((text) => some.map((device) => ({ from: 'example.org', payload: telling(device, text) })));
    const all = await Promise.all([one, two].map((by) => askAll(by.server.current, requests(by))));
    expect(new Set(all.flat().map(verdictOf))).toEqual(new Set(['result']));
  }

  const waiting = async () => {
    const [row] = await postgres.query(database, 'select count(*)::int as count from web_push_queue');
    return Number(row?.['count']);
  };
  const untilWaiting = (count: number, timeout = 150_000) =>
    waitFor(`${count} messages to wait`, async () => (await waiting()) === count, { timeout, interval: 200 });

  /** What of its messages a browser got since there were so many, in the order of the alphabet. */
  const textsOf = ({ received }: TestSubscription, since: number) =>
    received
      .slice(since)
      .map(({ payload }) => String(JSON.parse(payload ?? '{}').body))
      .toSorted();

  it('take publishes for what was registered by the other', async () => {
    const ana = await register(one);
    expect(await publishBy(two, ana)).toBe('result');
    expect(await publishBy(one, ana)).toBe('result');
    expect(ana.subscription.received).toHaveLength(2);
    const keys = ana.subscription.received.map(({ sender }) => sender?.publicKey);
    expect(new Set(keys).size).toBe(1);
  });

  it('give a device the same node, and know its new subscription at once', async () => {
    const first = await register(one);
    expect(await publishBy(one, first)).toBe('result');
    const second = await register(two, first.account);
    expect(second).toMatchObject({ node: first.node, secret: first.secret });
    expect(await publishBy(one, second)).toBe('result');
    expect(first.subscription.received).toHaveLength(1);
    expect(second.subscription.received).toHaveLength(1);
  });

  it('know at once that a device has unregistered, or is gone', async () => {
    const [ana, bob] = [await register(one), await register(two)];
    expect(await publishBy(two, ana)).toBe('result');
    expect(await ask(one, `${ana.account}/browser`, unregister(ana.device))).toBe('result');
    expect(await publishBy(two, ana)).toBe('cancel item-not-found');
    bob.subscription.answer(answers.gone);
    expect(await publishBy(one, bob)).toBe('cancel item-not-found');
    bob.subscription.answer(answers.created);
    expect(await publishBy(two, bob)).toBe('cancel item-not-found');
    expect(bob.subscription.received).toHaveLength(1);
    expect(await ask(two, `${bob.account}/browser`, unregister(bob.device))).toBe('cancel item-not-found');
  });

  it('withdraw what waits for a subscription that was replaced by the other', async () => {
    const first = await register(one);
    first.subscription.answer(answers.unavailable);
    expect(await publishBy(one, first)).toBe('result');
    await untilWaiting(1);
    await register(two, first.account);
    await untilWaiting(0);
  });

  it('make one registration of a device that registers with both at once', async () => {
    const account = newAccount();
    const all = await Promise.all([one, two, one, two].map((by) => register(by, account)));
    expect(new Set(all.map(({ node }) => node)).size).toBe(1);
    const rows = await postgres.query(
      database,
      `select node from gateway_registrations where account = '${account}'`,
    );
    expect(rows).toHaveLength(1);
  });

  /** So many browsers, for each of which as many messages wait, half of them accepted by each process. */
  async function waitingFor(browsers: number): Promise<readonly TestSubscription[]> {
    pushService.answer(answers.unavailable);
    const some = await Promise.all(
      Array.from({ length: browsers }, (_, at) => register(at % 2 === 0 ? one : two)),
    );
    await publishByBoth(some, texts);
    await untilWaiting(browsers * texts.length);
    return some.map(({ subscription }) => subscription);
  }

  /** From now on push services take what they get: each of those gets each of its messages, once. */
  async function eachGetsItsOwn(some: readonly TestSubscription[], timeout?: number): Promise<void> {
    const before = some.map(({ received }) => received.length);
    pushService.answer(answers.created);
    pushService.cut();
    await untilWaiting(0, timeout);
    for (const [at, subscription] of some.entries())
      expect(textsOf(subscription, before[at] ?? 0)).toEqual(texts);
  }

  it('send each message that had to wait once, whoever of them has accepted it', async () => {
    await eachGetsItsOwn(await waitingFor(10));
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'send what the other has accepted before it got a %s',
    async (signal) => {
      const some = await waitingFor(10);
      await one.belfry.kill(signal);
      await eachGetsItsOwn(some);
      await one.belfry.restart();
    },
  );

  it('have at once what the other was about to send when it was told to stop', async () => {
    const some = await waitingFor(10);
    pushService.answer(answers.hang);
    const { length } = pushService.requests;
    await waitFor('all to be tried again', () => pushService.requests.length >= length + 20, {
      timeout: 60_000,
    });
    await one.belfry.kill();
    // Of one that had crashed they would be due when its claim ends, after 90 seconds.
    await eachGetsItsOwn(some, 60_000);
    await one.belfry.restart();
  });
});
