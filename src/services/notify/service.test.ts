import { describe, expect, it } from 'vitest';
import {
  delivered,
  pendingOutcome,
  rejected,
  retry,
  stageWithPhone,
} from '../../../tests/harness/notify-stage.js';

describe('ping', () => {
  it('tells a device that there might be something, once, and says how it went', async () => {
    const stage = await stageWithPhone();
    await stage.enable('tablet');
    stage.answers.push(delivered, retry);
    expect([await stage.ping(), await stage.ping('tablet')]).toEqual([delivered, retry]);
    expect(stage.told).toEqual(['phone unimportant ping - 0', 'tablet unimportant ping - 0']);
    await stage.pass(3_600_000);
    expect(stage.deliveries).toHaveLength(2);
  });

  it('tells one that rests, and ends that if it is delivered', async () => {
    const stage = await stageWithPhone();
    stage.settings.maxErrors = 1;
    stage.answers.push(rejected, rejected);
    await stage.offline();
    await stage.pass(1_000);
    await stage.ping();
    expect(await stage.device()).toMatchObject({ failures: 2, restsSince: stage.now });
    await stage.ping();
    expect(await stage.device()).toMatchObject({ failures: 0, restsSince: undefined });
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told.at(-1)).toBe('phone important message m2 2');
  });

  it('removes one of which it hears that it is gone', async () => {
    const stage = await stageWithPhone();
    stage.answers.push({ kind: 'gone', reason: 'nobody' });
    await stage.ping();
    expect(await stage.notify.registrations.of(stage.account)).toEqual([]);
  });

  it('is not sent to a device that has as much under way as it may', async () => {
    const stage = await stageWithPhone();
    const pending = Array.from({ length: 3 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    const pings = Array.from({ length: 3 }, () => stage.ping());
    await stage.settle();
    expect(await stage.ping()).toMatchObject({ kind: 'retry' });
    expect(stage.deliveries).toHaveLength(3);
    for (const { settle } of pending) settle(delivered);
    await Promise.all(pings);
    expect(await stage.ping()).toEqual(delivered);
  });

  it('leaves room for what waits for it when it ends', async () => {
    const stage = await stageWithPhone();
    const pending = Array.from({ length: 3 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < 3; i++) void stage.ping();
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(3);
    pending[0]?.settle(delivered);
    await stage.settle();
    expect(stage.told[3]).toBe('phone important message m1 1');
  });
});

it('asks for settings when it needs them', async () => {
  const stage = await stageWithPhone();
  stage.settings.collectionTime = 5_000;
  await stage.offline();
  await stage.pass(4_999);
  expect(stage.deliveries).toEqual([]);
  await stage.pass(1);
  expect(stage.deliveries).toHaveLength(1);
});
