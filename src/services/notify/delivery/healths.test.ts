import { describe, expect, it } from 'vitest';
import { MemoryNotifyStore } from '../../../../tests/harness/memory-notify-store.js';
import {
  delivered,
  NotifyStage,
  pendingOutcome,
  rejected,
  retry,
} from '../../../../tests/harness/notify-stage.js';
import { scriptedNotifyStore } from '../../../../tests/harness/scripted-notify-store.js';

const day = 24 * 3_600_000;

/** A stage whose phone rests, because it was rejected three times. */
async function restingStage(): Promise<NotifyStage> {
  const stage = new NotifyStage();
  await stage.enable();
  stage.answer = rejected;
  for (let i = 0; i < 3; i++) {
    await stage.offline();
    await stage.pass(1_000);
  }
  return stage;
}

describe('the health of a registration', () => {
  it('is written only when it changes', async () => {
    const store = new MemoryNotifyStore();
    const stage = new NotifyStage(store);
    await stage.enable();
    const writes = () => store.calls.filter((call) => call === 'setHealth').length;
    stage.answers.push(delivered, delivered, retry, rejected, delivered, delivered);
    const written: number[] = [];
    for (let i = 0; i < 5; i++) {
      await stage.offline();
      await stage.pass(3_000);
      await stage.pass(3_000);
      written.push(writes());
    }
    expect(written).toEqual([0, 0, 1, 2, 2]);
  });

  it('counts each of several that fail at once', async () => {
    const { store } = scriptedNotifyStore({ before: () => new Promise((resolve) => setImmediate(resolve)) });
    const stage = new NotifyStage(store);
    await stage.enable();
    const pending = [pendingOutcome(), pendingOutcome()];
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < 2; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    for (const { settle } of pending) settle(rejected);
    for (let i = 0; i < 5; i++) await stage.settle();
    expect((await stage.device()).failures).toBe(2);
  });

  it('counts on while one of several is on disk and another is not', async () => {
    const writes: (() => void)[] = [];
    const { store } = scriptedNotifyStore({
      before: (method) =>
        method === 'setHealth' ? new Promise<void>((resolve) => writes.push(resolve)) : Promise.resolve(),
    });
    const stage = new NotifyStage(store);
    await stage.enable();
    const pending = [pendingOutcome(), pendingOutcome(), pendingOutcome()];
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < 3; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    for (const { settle } of pending.slice(0, 2)) settle(rejected);
    await stage.settle();
    writes.shift()?.();
    await stage.settle();
    pending[2]?.settle(rejected);
    for (let i = 0; i < 5; i++) {
      await stage.settle();
      writes.shift()?.();
    }
    expect(await stage.device()).toMatchObject({ failures: 3, restsSince: stage.now });
  });

  it('does not depend on the store', async () => {
    const store = new MemoryNotifyStore();
    const stage = new NotifyStage(store);
    await stage.enable();
    store.failure = new Error('disk full');
    stage.answer = rejected;
    await stage.offline();
    await stage.pass(1_000);
    store.failure = undefined;
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(2);
    expect((await stage.device()).failures).toBe(1);
    expect(stage.events('storageFailed')).toHaveLength(1);
  });
});

describe('a registration that rests', () => {
  it('does so after as many refusals in a row as are allowed', async () => {
    const stage = await restingStage();
    expect(await stage.device()).toMatchObject({ failures: 3, restsSince: stage.now });
    const device = { jid: 'ana@example.org', channel: 'test', service: 'push.example.net' };
    expect(stage.events('deviceRests')).toEqual([
      { name: 'deviceRests', ...device, failures: 3, reason: 'not this' },
    ]);
  });

  it('is told of nothing, and it is said why', async () => {
    const stage = await restingStage();
    await stage.offline();
    await stage.calls();
    await stage.pass(10_000);
    expect(stage.deliveries).toHaveLength(3);
    expect(stage.events('notificationDecided').at(-1)).toMatchObject({
      source: 'call',
      told: 'no',
      why: 'the registration rests',
    });
  });

  it('is not told of what waits when it comes to rest', async () => {
    const stage = new NotifyStage();
    await stage.enable();
    stage.settings.maxErrors = 1;
    const { promise, settle } = pendingOutcome();
    stage.answers.push(promise);
    await stage.offline();
    await stage.pass(1_000);
    await stage.offline();
    settle(rejected);
    await stage.settle();
    await stage.pass(10_000);
    expect(stage.deliveries).toHaveLength(1);
    expect(stage.dropped).toEqual(['rests']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('is tried once when a day has passed', async () => {
    const stage = await restingStage();
    await stage.pass(day);
    const { promise, settle } = pendingOutcome();
    stage.answers.push(promise);
    await stage.offline();
    await stage.pass(1_000);
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(4);
    settle(rejected);
    await stage.settle();
    await stage.offline();
    await stage.pass(10_000);
    expect(stage.deliveries).toHaveLength(4);
    expect(await stage.device()).toMatchObject({ failures: 4, restsSince: stage.now - 10_000 });
    expect(stage.events('deviceRests')).toHaveLength(1);
  });

  it('is well if that is delivered, and is told of what came meanwhile', async () => {
    const stage = await restingStage();
    await stage.pass(day);
    const { promise, settle } = pendingOutcome();
    stage.answer = delivered;
    stage.answers.push(promise);
    await stage.offline();
    await stage.pass(1_000);
    await stage.offline();
    await stage.pass(1_000);
    settle(delivered);
    await stage.settle();
    expect(stage.told.slice(3)).toEqual(['phone important message m4 4', 'phone important message m5 5']);
    expect(await stage.device()).toMatchObject({ failures: 0, restsSince: undefined });
    expect(stage.events('deviceActiveAgain')).toHaveLength(1);
  });

  it('is tried, too, if the clock was wrong when it came to rest', async () => {
    const stage = await restingStage();
    stage.epoch -= 365 * day;
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(4);
  });

  it('is well when it is enabled again', async () => {
    const stage = await restingStage();
    stage.answer = delivered;
    await stage.enable();
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(4);
  });
});
