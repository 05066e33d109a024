import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askAll, type Carried, carryAll, verdictOf } from '../harness/gateway/ask-all.js';
import { toldBy } from '../harness/gateway/payload.js';
import { pushingKinds } from '../harness/gateway/pushing-servers.js';
import { type Absent, RealWorld } from '../harness/gateway/real-world.js';
import { notification, publish } from '../harness/gateway/requests.js';
import { type GatewayWorld, type Registered, startGatewayWorld } from '../harness/gateway/world.js';
import { untilWaiting } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers } from '../harness/peer.js';
import { answers } from '../harness/push-answers.js';
import { hasSlixmpp } from '../harness/slixmpp-client.js';

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
    for (const { subscription } of registered) subscription.answer();
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

  const untilNoneWait = () => untilWaiting(world.belfry.httpBase, 0, patience);

  /** From now on, push services take everything; how many requests there were before. */
  function recover(): number {
    world.pushService.answer(answers.created);
    return world.pushService.requests.length;
  }

  /** Kills Belfry and starts it again, when push services are well again; how many requests there were before. */
  async function restart(): Promise<number> {
    await world.belfry.kill('SIGKILL');
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

  it('of Belfry, which is killed while a push service says nothing', async () => {
    world.pushService.answer(answers.hang);
    const all = publishes(registered.slice(0, 10));
    await expectResults(all);
    const since = await restart();
    await waitFor('all to be told', () => heard(since).length >= all.length, patience);
    await untilNoneWait();
    expect(heard(since).sort()).toEqual(texts(all));
  });

  it('of Belfry, which is killed in the midst of publishes', async () => {
    world.pushService.answer(answers.unavailable);
    for (const { subscription } of registered.slice(0, 10)) subscription.answer(answers.hang);
    const all = publishes(registered);
    const answered = carryAll(world.server.current, all);
    await waitFor('some answers', () => answered().size > 20, { interval: 1 });
    for (const { subscription } of registered) subscription.answer();
    const since = await restart();
    await untilNoneWait();
    const acknowledged = all.filter((_, at) => answered().get(at)?.attr('type') === 'result');
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(acknowledged.length).toBeLessThan(all.length);
    const told = heard(since);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toEqual(expect.arrayContaining(texts(acknowledged)));
  });

  it('of the XMPP server, while the queue goes on', async () => {
    world.pushService.answer(answers.unavailable);
    const all = publishes(registered);
    await expectResults(all);
    await world.server.stop();
    const since = recover();
    await untilNoneWait();
    expect(heard(since).sort()).toEqual(texts(all));

    const connections = world.server.connections.length;
    await world.server.start();
    await world.server.connected(connections + 1);
    const more = world.pushService.requests.length;
    count++;
    await expectResults(publishes(registered.slice(0, 1), 1));
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
    await untilNoneWait();
    // It knows nothing of the keys of its browsers any more.
    const places = again.requests.map(({ endpoint, headers }) => `${endpoint} ${headers['topic']}`);
    expect(new Set(places).size).toBe(all.length);
    expect(places).toHaveLength(all.length);
  });
});

for (const kind of pushingKinds) {
  const peers = { [kind.name]: kind.isInstalled, slixmpp: hasSlixmpp };
  describeWithPeers(`a restart between a message at ${kind.name} and a browser`, peers, () => {
    const users = ['ana', 'ben', 'eve', 'gail', 'paul'];
    let world: RealWorld;
    let absent: readonly Absent[];
    beforeAll(async () => {
      world = await RealWorld.create({ start: kind.start, users });
      absent = await Promise.all(users.map((user) => world.absent(user, 'offline')));
    });
    afterAll(() => world?.close());

    /** Somebody writes to each of them. */
    const writeToAll = async () => {
      for (const user of absent) await world.write(user, 'Soon at the gate?');
    };

    /** The same while their push service is not available; what they were told until that is on disk. */
    async function writeInVain(): Promise<void> {
      world.pushService.answer(answers.unavailable);
      await writeToAll();
      await untilWaiting(world.belfry.httpBase, users.length, patience);
    }

    /** Each is told once, of what there is since their push service is available again. */
    async function expectEachTold(action: () => Promise<void>): Promise<void> {
      const before = absent.map(({ subscription }) => subscription.received.length);
      world.pushService.answer(answers.created);
      await action();
      await Promise.all(absent.map((user, at) => world.heard(user, (before[at] ?? 0) + 1)));
      await world.settle();
      const told = absent.map((user, at) => user.told().slice(before[at]));
      expect(told.map((all) => all.map(({ payload }) => payload.body))).toEqual(
        users.map(() => [kind.importantBody]),
      );
    }

    it('of Belfry loses none', async () => {
      await writeInVain();
      await world.belfry.kill('SIGKILL');
      // What it had sent until then would count as told else, and be told once more by the next one.
      await waitFor('its connections to be gone', () => world.pushService.connections.open === 0);
      await expectEachTold(() => world.belfry.restart());
      await expectEachTold(writeToAll);
    });

    it(`of ${kind.name} loses none`, async () => {
      await writeInVain();
      await expectEachTold(() => world.restartServer());
      await expectEachTold(writeToAll);
    });

    it('costs who was written to while Belfry was away a registration at the most', async () => {
      const [ana] = absent;
      if (ana === undefined) throw new Error('unreachable: there are more');
      const { belfry, server } = world;
      const before = ana.subscription.received.length;
      await belfry.kill();
      await world.write(ana, 'Soon at the gate?');
      const hasGivenUp = () => kind.hasGivenUp(server, ana.bare, ana.node);
      if (!kind.isFaithful) await waitFor('it to give up', hasGivenUp);
      await belfry.restart();
      await world.write(ana, 'Now?');
      if (kind.isFaithful) await world.heard(ana, before + 1);
      await world.settle();
      expect(ana.subscription.received).toHaveLength(before + (kind.isFaithful ? 1 : 0));

      const again = await world.absent('ana', 'offline');
      await world.write(again, 'You are back!');
      await world.heard(again, 1);
      expect(again.node).toBe(ana.node);
    });
  });
}
