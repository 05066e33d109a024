import { describe, expect, it, vi } from 'vitest';
import { MemoryNotifyStore } from '../../../../tests/harness/memory-notify-store.js';
import {
  delivered,
  NotifyStage,
  pendingOutcome,
  queued,
  rejected,
  retry,
  stageWithPhone,
} from '../../../../tests/harness/notify-stage.js';

describe('a delivery', () => {
  it('is reported with how it went and how long it took', async () => {
    const stage = await stageWithPhone();
    const { promise, settle } = pendingOutcome();
    stage.answers.push(promise, delivered);
    await stage.offline();
    await stage.pass(1_000);
    await stage.pass(1_500);
    settle(rejected);
    await stage.offline();
    await stage.pass(1_000);
    const sent = {
      name: 'notificationSent',
      jid: 'ana@example.org',
      channel: 'test',
      service: 'push.example.net',
      level: 'important',
      kind: 'message',
    };
    expect(stage.events('notificationSent')).toEqual([
      { ...sent, outcome: 'rejected', reason: 'not this', seconds: 1.5 },
      { ...sent, outcome: 'delivered', seconds: 0 },
    ]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('is tried again if the channel %s', async (_, answer) => {
    const stage = await stageWithPhone();
    stage.answers.push(answer);
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.events('handlerFailed')).toMatchObject([{ what: 'notification' }]);
    await stage.pass(2_100);
    expect(stage.deliveries).toHaveLength(2);
    expect((await stage.device()).failures).toBe(0);
  });

  it('asks for waiting requests when it begins, and waits for the answer', async () => {
    const stage = await stageWithPhone();
    const asked = vi.spyOn(stage.host, 'pendingSubscriptions').mockResolvedValue(3);
    await stage.offline();
    expect(asked).not.toHaveBeenCalled();
    await stage.pass(1_000);
    expect(asked).toHaveBeenCalledOnce();
    expect(stage.deliveries[0]?.notification.pendingSubscriptions).toBe(3);
  });
});

describe('stop', () => {
  it('tells of what is collected, and waits for the answer', async () => {
    const stage = await stageWithPhone();
    const { promise, settle } = pendingOutcome();
    stage.answers.push(promise);
    await stage.offline();
    let isStopped = false;
    const stopping = stage.notify.stop().then(() => {
      isStopped = true;
    });
    await stage.settle();
    expect(stage.told).toEqual(['phone important message m1 1']);
    expect(isStopped).toBe(false);
    settle(delivered);
    await stopping;
    expect(stage.clock.pending).toEqual([]);
  });

  it('tells a client that does not answer of what it was sent', async () => {
    const stage = await stageWithPhone();
    const session = stage.session();
    stage.host.onSilentForLate = () => void stage.host.ackDelayed.fire(session, [stage.chat()]);
    await stage.notify.stop();
    expect(stage.told).toEqual(['phone important message m1 1']);
  });

  it('waits no more than five seconds, and then calls it off', async () => {
    const stage = await stageWithPhone();
    stage.answers.push(new Promise(() => {}));
    await stage.offline();
    await stage.pass(1_000);
    const stopping = stage.notify.stop();
    await stage.pass(4_999);
    expect(stage.deliveries[0]?.signal.aborted).toBe(false);
    await stage.pass(1);
    await stopping;
    expect(stage.deliveries[0]?.signal.aborted).toBe(true);
    expect(stage.clock.pending).toEqual([]);
  });

  it('calls off all that does not end, and begins nothing after that', async () => {
    const stage = await stageWithPhone();
    const { promise, settle } = pendingOutcome();
    stage.answer = promise;
    stage.maxDevices = 100;
    for (let i = 0; i < 50; i++) await stage.enable(`device${i}`);
    for (let i = 0; i < 5; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    const stopping = stage.notify.stop();
    await stage.pass(5_000);
    await stopping;
    expect(stage.deliveries).toHaveLength(3 * 51);
    expect(stage.deliveries.every(({ signal }) => signal.aborted)).toBe(true);
    expect(stage.dropped).toEqual(Array.from({ length: 51 }, () => 'too late'));
    settle(delivered);
    await stage.settle();
    expect(stage.deliveries).toHaveLength(3 * 51);
  });

  it('hands what waits behind them to a channel that keeps it on disk, to be put there', async () => {
    const stage = new NotifyStage(new MemoryNotifyStore(), true);
    await stage.enable();
    stage.answer = pendingOutcome().promise;
    for (let i = 0; i < 5; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    stage.answer = queued;
    const stopping = stage.notify.stop();
    await stage.pass(5_000);
    await stopping;
    expect(stage.told.at(-1)).toBe('phone important message m5 5');
    expect(stage.deliveries).toHaveLength(4);
    expect(stage.deliveries.every(({ signal }) => signal.aborted)).toBe(true);
    expect(stage.dropped).toEqual([]);
  });

  it('is over at once if there is nothing', async () => {
    const stage = await stageWithPhone();
    await stage.notify.stop();
    await stage.notify.stop();
    expect(stage.clock.pending).toEqual([]);
  });

  it('tries once what backs off, and not again', async () => {
    const stage = await stageWithPhone();
    stage.answer = retry;
    await stage.offline();
    await stage.pass(1_000);
    await stage.notify.stop();
    expect(stage.deliveries).toHaveLength(2);
    expect(stage.dropped).toEqual(['too late']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('tells of what waits for room', async () => {
    const stage = await stageWithPhone();
    const pending = Array.from({ length: 3 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < 4; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    const stopping = stage.notify.stop();
    for (const { settle } of pending) settle(delivered);
    await stopping;
    expect(stage.told[3]).toBe('phone important message m4 4');
  });

  it('waits until what was answered is on disk', async () => {
    const stage = await stageWithPhone();
    stage.answer = rejected;
    await stage.offline();
    await stage.notify.stop();
    expect((await stage.device()).failures).toBe(1);
  });

  it('tells of nothing that comes later', async () => {
    const stage = await stageWithPhone();
    await stage.notify.stop();
    await stage.offline();
    await stage.calls();
    await stage.pass(10_000);
    expect(stage.deliveries).toEqual([]);
    expect(stage.dropped).toEqual(['too late', 'too late']);
    expect(await stage.ping()).toMatchObject({ kind: 'retry' });
    expect(stage.clock.pending).toEqual([]);
  });

  it('tells at once of what comes later by a channel that keeps on disk what it cannot deliver', async () => {
    const stage = new NotifyStage(new MemoryNotifyStore(), true);
    await stage.enable();
    const hanging = Array.from({ length: 3 }, () => pendingOutcome());
    stage.answers.push(...hanging.map(({ promise }) => promise));
    for (let i = 0; i < 3; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    stage.answer = queued;
    const stopping = stage.notify.stop();
    await stage.offline();
    expect(stage.deliveries).toHaveLength(3);
    await stage.pass(5_000);
    await stopping;
    for (const { settle } of hanging) settle(queued);
    await stage.offline();
    expect(stage.told.slice(3)).toEqual(['phone important message m4 4', 'phone important message m5 5']);
    expect(stage.dropped).toEqual([]);
    expect(stage.clock.pending).toEqual([]);
  });
});
