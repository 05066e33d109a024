import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askAll, type Carried, carryAll, verdictOf } from '../harness/gateway/ask-all.js';
import { toldBy } from '../harness/gateway/payload.js';
import { notification, publish } from '../harness/gateway/requests.js';
import { type GatewayWorld, type Registered, startGatewayWorld } from '../harness/gateway/world.js';
import { metricOf } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import { answers } from '../harness/push-answers.js';

const browsers = 50;
const each = 4;
const patience = { timeout: 90_000, interval: 50 };

/** A server that says what it has published, and how that was answered; every text is published once. */
describe('a restart loses nothing that was acknowledged', () => {
  let world: GatewayWorld;
  let registered: readonly Registered[];
  let count = 0;

  beforeAll(async () => {
    world = await startGatewayWorld();
    await world.server.connected();
    registered = await Promise.all(
      Array.from({ length: browsers }, (_, index) =>
        world.register(`user${index}@example.org`, world.pushService.subscribe()),
      ),
    );
  });
  afterAll(() => world?.stop());
  beforeEach(() => {
    world.pushService.answer(answers.created);
    count++;
  });

  interface Publish extends Carried {
    readonly text: string;
  }

  /** Publishes for some browsers, each of another text. */
  const publishes = (to: readonly Registered[], times = each): Publish[] =>
    to.flatMap(({ node, secret }, at) =>
      Array.from({ length: times }, (_, time) => {
        const text = `${count}-${at}-${time}`;
        const summary = { 'message-count': '1', 'last-message-body': text };
        return { text, from: 'example.org', payload: publish(node, secret, notification(summary)) };
      }),
    );

  /** What browsers have been told that their push service has taken, once for each time. */
  function heard(since: number): string[] {
    const taken = world.pushService.requests.slice(since);
    return taken.flatMap((request) => toldBy(request).payload.body ?? []);
  }

  const waiting = () => metricOf(world.belfry.httpBase, 'belfry_web_pushes_waiting');
  const isEmpty = async () => (await waiting()) === 0;

  /** From now on, push services take everything; how many requests there were before. */
  function recover(): number {
    world.pushService.answer(answers.created);
    return world.pushService.requests.length;
  }

  /** Ends Belfry so and starts it again, when push services are well again; what they were asked for then. */
  async function restart(signal: NodeJS.Signals): Promise<number> {
    await world.belfry.kill(signal);
    await waitFor('its connections to be gone', () => world.pushService.connections.open === 0);
    const since = recover();
    await world.belfry.restart();
    return since;
  }

  const texts = (all: readonly Publish[]) => all.map(({ text }) => text).sort();

  async function expectResults(all: readonly Publish[]): Promise<void> {
    const verdicts = (await askAll(world.server.current, all)).map(verdictOf);
    expect(new Set(verdicts)).toEqual(new Set(['result']));
  }

  /** Carries publishes to Belfry and does not wait; what was acknowledged since then, whenever it is asked. */
  function begin(all: readonly Publish[]): () => Publish[] {
    const connection = world.server.current;
    const mark = `${carryAll(connection, all)}-`;
    return () => {
      const results = connection.stanzas.filter((stanza) => stanza.attr('type') === 'result');
      const ids = results.flatMap((stanza) => stanza.attr('id')?.split(mark)[1] ?? []);
      return ids.flatMap((id) => all[Number(id)] ?? []);
    };
  }

  it('of Belfry, which is killed while a push service is not available', async () => {
    world.pushService.answer(answers.unavailable);
    const all = publishes(registered);
    await expectResults(all);
    const since = await restart('SIGKILL');
    await waitFor('all to be told', () => heard(since).length >= all.length, patience);
    await waitFor('an empty queue', isEmpty, patience);
    expect(heard(since).sort()).toEqual(texts(all));
  });

  it('of Belfry, which is killed while a push service says nothing', async () => {
    world.pushService.answer(answers.hang);
    const all = publishes(registered.slice(0, 10));
    await expectResults(all);
    const since = await restart('SIGKILL');
    await waitFor('all to be told', () => heard(since).length >= all.length, patience);
    await waitFor('an empty queue', isEmpty, patience);
    expect(heard(since).sort()).toEqual(texts(all));
  });

  it('of Belfry, which is killed in the midst of publishes', async () => {
    world.pushService.answer(answers.unavailable);
    const all = publishes(registered);
    const acknowledged = begin(all);
    await waitFor('some answers', () => acknowledged().length > 20, { interval: 1 });
    const since = await restart('SIGKILL');
    await waitFor('an empty queue', isEmpty, patience);
    expect(acknowledged().length).toBeLessThan(all.length);
    const told = heard(since);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toEqual(expect.arrayContaining(texts(acknowledged())));
  });

  it('of Belfry, which is killed when some have arrived: those do not come again', async () => {
    const [taken, others] = [registered.slice(0, 10), registered.slice(10, 20)];
    for (const { subscription } of others) subscription.answer(answers.hang);
    const all = publishes([...taken, ...others], 2);
    const acknowledged = begin(all);
    await waitFor('answers', () => acknowledged().length === taken.length * 2);
    for (const { subscription } of others) subscription.answer();
    const since = await restart('SIGKILL');
    await waitFor('an empty queue', isEmpty, patience);
    const delivered = new Set(texts(acknowledged()));
    expect(heard(since).filter((text) => delivered.has(text))).toEqual([]);
    for (const { subscription } of taken) expect(subscription.received.at(-1)).toBeDefined();
  });

  it('of Belfry, which is stopped while a push service says nothing', async () => {
    world.pushService.answer(answers.hang);
    const all = publishes(registered.slice(0, 10));
    const acknowledged = begin(all);
    const before = world.pushService.requests.length;
    await waitFor('requests', () => world.pushService.requests.length > before);
    const since = await restart('SIGTERM');
    await waitFor('an empty queue', isEmpty, patience);
    expect(acknowledged()).not.toEqual([]);
    expect(heard(since)).toEqual(expect.arrayContaining(texts(acknowledged())));
  });

  it('of the XMPP server, while the queue goes on', async () => {
    world.pushService.answer(answers.unavailable);
    const all = publishes(registered);
    await expectResults(all);
    await world.server.stop();
    const since = recover();
    await waitFor('an empty queue', isEmpty, patience);
    expect(heard(since).sort()).toEqual(texts(all));

    const connections = world.server.connections.length;
    await world.server.start();
    await world.server.connected(connections + 1);
    const [again] = publishes(registered.slice(0, 1), 1);
    if (again === undefined) throw new Error('unreachable: there is one');
    const more = world.pushService.requests.length;
    await expectResults([{ ...again, text: 'again' }]);
    expect(heard(more)).toHaveLength(1);
  });

  it('of a push service', async () => {
    const { pushService, pushServices } = world;
    const { port } = pushService;
    await pushServices.stop(pushService);
    const all = publishes(registered);
    await expectResults(all);
    const again = await pushServices.start({ port });
    await waitFor('all to be sent', () => again.requests.length >= all.length, patience);
    await waitFor('an empty queue', isEmpty, patience);
    // It knows nothing of the keys of its browsers any more.
    const places = again.requests.map(({ endpoint, headers }) => `${endpoint} ${headers['topic']}`);
    expect(new Set(places).size).toBe(all.length);
    expect(places).toHaveLength(all.length);
  });
});
