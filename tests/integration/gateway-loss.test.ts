import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { askAll, type Carried, carryAll, verdictOf } from '../harness/gateway/ask-all.js';
import { credentialsIn, notification, publish, register } from '../harness/gateway/requests.js';
import { type GatewayWorld, type Registered, startGatewayWorld } from '../harness/gateway/world.js';
import { untilWaiting } from '../harness/metrics.js';
import { waitFor } from '../harness/net.js';
import { describeWithPeers, findExecutable } from '../harness/peer.js';
import { answers } from '../harness/push-answers.js';

// The slower the machine, the longer the pauses before what waits is tried again.
vi.setConfig({ testTimeout: 300_000 });

const devices = 300;
const own = 'example.org';

let world: GatewayWorld;
let registered: readonly Registered[];
let texts = 0;

beforeAll(async () => {
  world = await startGatewayWorld({ gateway: { rate_limit: 0 } });
  registered = await registerAll();
});
afterAll(() => world?.stop());
beforeEach(() => world.pushService.answer(answers.created));

async function registerAll(): Promise<readonly Registered[]> {
  const subscriptions = Array.from({ length: devices }, () => world.pushService.subscribe());
  const requests = subscriptions.map((subscription, at) => ({
    from: `user${at}@${own}/browser`,
    payload: register(subscription, 'browser'),
  }));
  const all = await askAll(world.server.current, requests);
  return subscriptions.map((subscription, at) => {
    const answer = all[at];
    if (answer === undefined) throw new Error('unreachable: there are as many');
    return { ...credentialsIn(answer), account: `user${at}@${own}`, device: 'browser', subscription };
  });
}

interface Told extends Carried {
  readonly to: Registered;
  readonly text: string;
}

/** So many publishes for each of some devices, each with a text of its own and from a friend of its own. */
function publishesFor(some: readonly Registered[], each: number): readonly Told[] {
  return some.flatMap((to) =>
    Array.from({ length: each }, (_, friend) => {
      const text = `text ${++texts}.`;
      const summary = {
        'message-count': '1',
        'last-message-sender': `friend${friend}@${own}`,
        'last-message-body': text,
      };
      return { from: own, to, text, payload: publish(to.node, to.secret, notification(summary)) };
    }),
  );
}

/** How often each text arrived since there were so many requests for each device. */
function countOf(told: readonly Told[], before: ReadonlyMap<Registered, number>): readonly number[] {
  return told.map(({ to, text }) => {
    const { received } = to.subscription;
    return received.slice(before.get(to)).filter(({ payload }) => payload?.includes(text)).length;
  });
}

const requestCounts = () =>
  new Map(registered.map((device) => [device, device.subscription.received.length] as const));

const once = (told: readonly Told[]) => Array<number>(told.length).fill(1);

const untilNoneWait = () => untilWaiting(world.belfry.httpBase, 0, { timeout: 150_000, interval: 200 });

it('answers three thousand publishes while push services hang, and sends each of them later', async () => {
  world.pushService.answer(answers.hang);
  const told = publishesFor(registered, 10);
  // Servers wait longer than that for an app server.
  const verdicts = (await askAll(world.server.current, told, { timeout: 30_000 })).map(verdictOf);
  expect(new Set(verdicts)).toEqual(new Set(['result']));
  const before = requestCounts();
  world.pushService.answer(answers.created);
  world.pushService.cut();
  await untilNoneWait();
  expect(countOf(told, before)).toEqual(once(told));
});

it('stops while push services hang, and sends what it has accepted when it is back', async () => {
  world.pushService.answer(answers.hang);
  const { server, belfry, pushService } = world;
  const told = publishesFor(registered.slice(0, 100), 3);
  const arrived = pushService.requests.length;
  const carried = carryAll(server.current, told);
  await waitFor('requests', () => pushService.requests.length >= arrived + 100, { timeout: 30_000 });
  await belfry.kill();
  expect(belfry.exitCode).toBe(0);
  const accepted = told.filter((_, at) => {
    const answer = carried().get(at);
    return answer !== undefined && verdictOf(answer) === 'result';
  });
  expect(accepted.length).toBeGreaterThan(0);
  await waitFor('its connections to be gone', () => pushService.connections.open === 0);
  const before = requestCounts();
  pushService.answer(answers.created);
  await belfry.restart();
  await untilNoneWait();
  expect(countOf(accepted, before)).toEqual(once(accepted));
});

it('loses in a crash none of what it has accepted, and sends none again that had an answer', async () => {
  world.pushService.answer(answers.unavailable);
  const { belfry, pushService, server } = world;
  const told = publishesFor(registered, 5);
  const verdicts = (await askAll(server.current, told)).map(verdictOf);
  expect(new Set(verdicts)).toEqual(new Set(['result']));
  const lucky = registered.slice(0, 50);
  const answered = told.filter(({ to }) => lucky.includes(to));
  const atFirst = requestCounts();
  for (const { subscription } of lucky) subscription.answer(answers.created);
  const areAnswered = () => countOf(answered, atFirst).every((count) => count === 1);
  await waitFor('half of them to be answered', areAnswered, { timeout: 90_000, interval: 200 });
  await untilWaiting(belfry.httpBase, told.length - answered.length, { timeout: 30_000 });
  await belfry.kill('SIGKILL');
  await waitFor('its connections to be gone', () => pushService.connections.open === 0);
  const before = requestCounts();
  pushService.answer(answers.created);
  await belfry.restart();
  await untilNoneWait();
  expect(countOf(told, before)).toEqual(told.map(({ to }) => (lucky.includes(to) ? 0 : 1)));
  for (const { subscription } of lucky) subscription.answer();
});

const prlimit = findExecutable('prlimit');
describeWithPeers('when the disk is full', { prlimit: prlimit !== undefined }, () => {
  /** Belfry cannot write beyond so many bytes of any file: it fails as on a full disk. */
  function limitFileSize(bytes: number | 'unlimited'): void {
    const { pid } = world.belfry;
    execFileSync(prlimit ?? '', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
  }

  it('accepts what it can send, and nothing that would have to wait', async () => {
    const { pushService, server } = world;
    const some = registered.slice(0, 20);
    limitFileSize(1);
    const verdictsOf = async (told: readonly Told[]) =>
      new Set((await askAll(server.current, told)).map(verdictOf));
    const sent = publishesFor(some, 1);
    const before = requestCounts();
    expect(await verdictsOf(sent)).toEqual(new Set(['result']));
    expect(countOf(sent, before)).toEqual(once(sent));
    pushService.answer(answers.unavailable);
    expect(await verdictsOf(publishesFor(some, 1))).toEqual(new Set(['wait service-unavailable']));
    const elsewhere = { from: `new@${own}/x`, payload: register(pushService.subscribe(), 'd') };
    const [refused] = await askAll(server.current, [elsewhere]);
    expect(refused && verdictOf(refused)).toBe('wait internal-server-error');

    limitFileSize('unlimited');
    const kept = publishesFor(some, 1);
    expect(await verdictsOf(kept)).toEqual(new Set(['result']));
    const since = requestCounts();
    pushService.answer(answers.created);
    await untilNoneWait();
    expect(countOf(kept, since)).toEqual(once(kept));
  });
});
