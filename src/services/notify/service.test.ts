import { describe, expect, it } from 'vitest';
import {
  delivered,
  NotifyStage,
  pendingOutcome,
  rejected,
  retry,
} from '../../../tests/harness/notify-stage.js';

async function stageWithPhone(): Promise<NotifyStage> {
  const stage = new NotifyStage();
  await stage.enable();
  return stage;
}

describe('ping', () => {
  it('tells all devices that there might be something, and says how it went', async () => {
    const stage = await stageWithPhone();
    await stage.enable('tablet');
    stage.answers.push(delivered, retry);
    const pings = await stage.notify.ping(stage.account);
    expect(pings.map(({ registration, outcome }) => [registration.client, outcome.kind])).toEqual([
      ['phone', 'delivered'],
      ['tablet', 'retry'],
    ]);
    expect(stage.told).toEqual(['phone unimportant ping - 0', 'tablet unimportant ping - 0']);
    await stage.pass(3_600_000);
    expect(stage.deliveries).toHaveLength(2);
  });

  it('tells those that are picked', async () => {
    const stage = await stageWithPhone();
    await stage.enable('tablet');
    await stage.notify.ping(stage.account, ({ client }) => client === 'tablet');
    expect(stage.deliveries.map(({ client }) => client)).toEqual(['tablet']);
  });

  it('tells nobody if there is nobody', async () => {
    const stage = new NotifyStage();
    expect(await stage.notify.ping(stage.account)).toEqual([]);
  });

  it('tells those that rest, and ends that if it is delivered', async () => {
    const stage = await stageWithPhone();
    stage.settings.maxErrors = 1;
    stage.answers.push(rejected, rejected);
    await stage.offline();
    await stage.pass(1_000);
    await stage.notify.ping(stage.account);
    expect(await stage.device()).toMatchObject({ failures: 2, restsSince: stage.now });
    await stage.notify.ping(stage.account);
    expect(await stage.device()).toMatchObject({ failures: 0, restsSince: undefined });
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told.at(-1)).toBe('phone important message m2 2');
  });

  it('removes those of whom it hears that they are gone', async () => {
    const stage = await stageWithPhone();
    stage.answers.push({ kind: 'gone', reason: 'nobody' });
    await stage.notify.ping(stage.account);
    expect(await stage.notify.registrations.of(stage.account)).toEqual([]);
  });

  it('is not sent to a device that has as much under way as it may', async () => {
    const stage = await stageWithPhone();
    const pending = Array.from({ length: 4 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    const pings = Array.from({ length: 4 }, () => stage.notify.ping(stage.account));
    await stage.settle();
    expect(await stage.notify.ping(stage.account)).toMatchObject([{ outcome: { kind: 'retry' } }]);
    expect(stage.deliveries).toHaveLength(4);
    for (const { settle } of pending) settle(delivered);
    await Promise.all(pings);
    expect(await stage.notify.ping(stage.account)).toMatchObject([{ outcome: delivered }]);
  });

  it('leaves room for what waits for it when it ends', async () => {
    const stage = await stageWithPhone();
    const pending = Array.from({ length: 4 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < 4; i++) void stage.notify.ping(stage.account);
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(4);
    pending[0]?.settle(delivered);
    await stage.settle();
    expect(stage.told[4]).toBe('phone important message m1 1');
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
