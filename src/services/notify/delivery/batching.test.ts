import { describe, expect, it } from 'vitest';
import {
  delivered,
  NotifyStage,
  pendingOutcome,
  rejected,
  retry,
  stageWithPhone,
  tellWithoutAnswer,
} from '../../../../tests/harness/notify-stage.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import type { Outcome } from '../channel.js';
import { Batches } from './batching.js';

describe('collection', () => {
  it('lasts a second from the first stanza, and the newest one counts', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.pass(600);
    await stage.offline();
    await stage.pass(399);
    expect(stage.told).toEqual([]);
    await stage.pass(1);
    expect(stage.told).toEqual(['phone important message m2 2']);
    await stage.pass(10_000);
    expect(stage.deliveries).toHaveLength(1);
  });

  it('makes one important notification and one unimportant', async () => {
    const stage = await stageWithPhone();
    for (const stanza of [stage.retraction(), stage.chat(), stage.retraction(), stage.chat()]) {
      await stage.offline(stanza);
    }
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone important message m2 2', 'phone unimportant retraction r 2']);
  });

  it('leaves out the unimportant one if it is from the sender of the important one', async () => {
    const stage = await stageWithPhone();
    await stage.offline(stage.retraction('ben@example.net/other'));
    await stage.offline(stage.chat({ from: 'ben@example.net/x' }));
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone important message m1 1']);
  });

  it('tells of something unimportant alone, and counts nothing', async () => {
    const stage = await stageWithPhone();
    await stage.offline(stage.retraction());
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone unimportant retraction r 0']);
  });

  it('ends with the turn if there is no time for it', async () => {
    const stage = await stageWithPhone();
    stage.settings.collectionTime = 0;
    await stage.offline();
    await stage.offline();
    expect(stage.told).toEqual([]);
    await stage.pass(0);
    expect(stage.told).toEqual(['phone important message m2 2']);
  });

  it('is each device its own, with one timer for all', async () => {
    const stage = await stageWithPhone();
    await stage.enable('tablet');
    await stage.offline();
    await stage.pass(500);
    await stage.offline();
    expect(stage.clock.pending).toEqual([500]);
    await stage.pass(500);
    expect(stage.told).toEqual(['phone important message m2 2', 'tablet important message m2 2']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('counts on until the client is back', async () => {
    const stage = await stageWithPhone();
    for (let i = 0; i < 3; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    await stage.host.sessionBegun.fire(stage.session());
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told.map((line) => line.at(-1))).toEqual(['1', '2', '3', '1']);
  });
});

describe('calls', () => {
  it('are told at once, though something else is collected', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.calls();
    expect(stage.told).toEqual(['phone important call c1 1']);
    await stage.pass(1_000);
    expect(stage.told[1]).toBe('phone important message m1 2');
  });

  it('are told at once during a back-off, and their end as well', async () => {
    const stage = await stageWithPhone();
    stage.answers.push(retry, rejected);
    await stage.offline();
    await stage.pass(1_000);
    await stage.calls();
    await stage.calls(stage.call('c2', 'retract'));
    expect(stage.told.slice(1, 3)).toEqual(['phone important call c1 2', 'phone important missed-call c2 2']);
  });

  it('that get through end the back-off of what waits', async () => {
    const stage = await stageWithPhone();
    stage.answers.push(retry);
    await stage.offline();
    await stage.pass(1_000);
    await stage.calls();
    expect(stage.told.slice(1)).toEqual(['phone important call c1 2', 'phone important message m1 2']);
  });

  it('are given up after half a minute', async () => {
    const stage = await stageWithPhone();
    stage.answer = retry;
    await stage.calls();
    for (let second = 0; second < 120; second++) await stage.pass(1_000);
    expect(stage.deliveries.length).toBeGreaterThan(2);
    expect(stage.deliveries.length).toBeLessThan(7);
    expect(stage.dropped).toEqual(['too late']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('do not hold up what else there is when they fail', async () => {
    const stage = await stageWithPhone();
    stage.answers.push(retry);
    await stage.calls();
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told[1]).toBe('phone important message m1 2');
  });

  it('replace a call that could not be told yet', async () => {
    const stage = await stageWithPhone();
    stage.answers.push(retry);
    await stage.calls();
    await stage.calls(stage.call('c2'));
    expect(stage.told).toEqual(['phone important call c1 1', 'phone important call c2 2']);
    await stage.pass(60_000);
    expect(stage.deliveries).toHaveLength(2);
  });
});

describe('deliveries under way', () => {
  async function busyStage() {
    const stage = await stageWithPhone();
    const pending = Array.from({ length: 4 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < 5; i++) {
      await stage.offline();
      await stage.pass(1_000);
    }
    return { stage, pending };
  }

  it('are three at most; what comes is merged until there is room', async () => {
    const { stage, pending } = await busyStage();
    expect(stage.deliveries).toHaveLength(3);
    pending[2]?.settle(delivered);
    await stage.settle();
    expect(stage.told[3]).toBe('phone important message m5 5');
    expect(stage.deliveries).toHaveLength(4);
  });

  it('have a place for a call beside them, which is told at once, and tried again', async () => {
    const { stage } = await busyStage();
    stage.answers[0] = retry;
    await stage.calls();
    expect(stage.told[3]).toBe('phone important call c1 4');
    await stage.pass(3_000);
    expect(stage.told[4]).toBe('phone important call c1 4');
    await stage.pass(60_000);
    expect(stage.deliveries).toHaveLength(5);
  });

  it('leave room for another call as soon as one ends', async () => {
    const { stage, pending } = await busyStage();
    await stage.calls();
    await stage.calls(stage.call('c2'));
    expect(stage.deliveries).toHaveLength(4);
    pending[0]?.settle(delivered);
    await stage.settle();
    expect(stage.told[4]).toBe('phone important call c2 5');
  });

  it('leave a call that waited too long for room untold', async () => {
    const { stage, pending } = await busyStage();
    await stage.calls();
    await stage.calls(stage.call('c2'));
    await stage.pass(30_000);
    for (const { settle } of pending.slice(0, 2)) settle(delivered);
    await stage.settle();
    expect(stage.dropped).toEqual(['too late']);
    expect(stage.told[4]).toBe('phone important message m5 6');
  });

  it('become one notification if they fail, of the newest', async () => {
    const { stage, pending } = await busyStage();
    for (const { settle } of pending) settle(retry);
    await stage.settle();
    await stage.pass(300_000);
    expect(stage.deliveries).toHaveLength(4);
    expect(stage.told[3]).toBe('phone important message m5 5');
  });

  it('of other devices are not in their way', async () => {
    const { stage } = await busyStage();
    await stage.enable('tablet');
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told[3]).toBe('tablet important message m6 1');
  });
});

describe('back-off', () => {
  /** Advances until there is another delivery; answers how many milliseconds that took. */
  async function untilNext(stage: NotifyStage): Promise<number> {
    const { length } = stage.deliveries;
    const from = stage.clock.now();
    while (stage.deliveries.length === length) {
      const [next] = stage.clock.pending;
      if (next === undefined) throw new Error('nothing is to come');
      await stage.pass(next);
    }
    return stage.clock.now() - from;
  }

  it('grows from seconds to minutes, with jitter', async () => {
    const stage = await stageWithPhone();
    stage.answer = retry;
    await stage.offline();
    await untilNext(stage);
    for (const end of [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
      const delay = await untilNext(stage);
      expect(delay).toBeGreaterThanOrEqual(end * 500);
      expect(delay).toBeLessThanOrEqual(end * 1_000 + 10);
    }
  });

  it('lasts as long as the service says', async () => {
    const stage = await stageWithPhone();
    stage.answers.push({ kind: 'retry', reason: 'busy', after: 600 });
    await stage.offline();
    await untilNext(stage);
    const delay = await untilNext(stage);
    expect(delay).toBeGreaterThanOrEqual(600_000);
    expect(delay).toBeLessThanOrEqual(660_010);
  });

  it('begins anew after a success', async () => {
    const stage = await stageWithPhone();
    stage.answers.push(retry, retry, retry, delivered, retry);
    await stage.offline();
    for (let i = 0; i < 4; i++) await untilNext(stage);
    await stage.offline();
    await untilNext(stage);
    expect(await untilNext(stage)).toBeLessThanOrEqual(2_010);
  });

  it('merges what comes, of both levels', async () => {
    const stage = await stageWithPhone();
    stage.answers.push({ kind: 'retry', reason: 'busy', after: 10 });
    await stage.offline();
    await stage.pass(1_000);
    await stage.offline(stage.retraction());
    await stage.offline();
    await stage.pass(9_000);
    expect(stage.deliveries).toHaveLength(1);
    await stage.pass(2_100);
    expect(stage.told.slice(1)).toEqual(['phone important message m2 2', 'phone unimportant retraction r 2']);
  });

  it('does not end because something is to be told at once', async () => {
    const stage = await stageWithPhone();
    stage.answers.push({ kind: 'retry', reason: 'busy', after: 10 });
    await stage.offline();
    await stage.pass(1_000);
    await stage.sleeps(stage.session(), stage.chat());
    expect(stage.deliveries).toHaveLength(1);
    await stage.pass(11_100);
    expect(stage.told[1]).toBe('phone important message m2 2');
  });

  it('ends after an hour without anything new', async () => {
    const stage = await stageWithPhone();
    stage.answer = retry;
    await stage.offline();
    for (let minute = 0; minute < 59; minute++) await stage.pass(60_000);
    expect(stage.dropped).toEqual([]);
    for (let minute = 0; minute < 7; minute++) await stage.pass(60_000);
    expect(stage.dropped).toEqual(['too late']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('outlasts an hour while new things come', async () => {
    const stage = await stageWithPhone();
    stage.answer = retry;
    for (let minute = 0; minute < 120; minute++) {
      if (minute % 30 === 0) await stage.offline();
      await stage.pass(60_000);
    }
    expect(stage.dropped).toEqual([]);
    stage.answer = delivered;
    await stage.pass(300_000);
    expect(stage.told.at(-1)).toBe('phone important message m4 4');
  });

  it('is found over after the clock has leapt', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.pass(24 * 3_600_000);
    expect(stage.told).toEqual(['phone important message m1 1']);
  });
});

describe('a registration that goes', () => {
  it('takes with it what was collected', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.disable();
    await stage.pass(1_000);
    expect(stage.told).toEqual([]);
    expect(stage.dropped).toEqual(['removed']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('takes with it what it waits for room', async () => {
    const stage = await stageWithPhone();
    const settle = await tellWithoutAnswer(stage);
    await stage.disable();
    settle(retry);
    await stage.settle();
    expect(stage.dropped).toEqual(['removed']);
    expect(stage.clock.pending).toEqual([]);
  });

  it('goes when nobody is there any more', async () => {
    const stage = await stageWithPhone();
    stage.answers.push({ kind: 'gone', reason: 'no such device' });
    await stage.offline();
    await stage.pass(1_000);
    expect(await stage.notify.registrations.of(stage.account)).toEqual([]);
  });

  it('is another one when it comes again: an old answer does not end it', async () => {
    const stage = await stageWithPhone();
    const settle = await tellWithoutAnswer(stage);
    await stage.disable();
    await stage.enable();
    settle({ kind: 'gone', reason: 'no such device' });
    await stage.settle();
    expect((await stage.device()).failures).toBe(0);
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told[1]).toBe('phone important message m2 1');
  });

  it('is another one when it is enabled with something else: an old failure does not count', async () => {
    const stage = await stageWithPhone();
    const settle = await tellWithoutAnswer(stage);
    const wish = { channel: 'test', client: 'phone', address: 'phone', details: 'new' };
    await stage.notify.registrations.enable(stage.account, wish);
    settle(rejected);
    await stage.settle();
    expect((await stage.device()).failures).toBe(0);
  });

  it('is not told of at its old address when it has a new one', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.enable('phone', 'elsewhere');
    await stage.pass(1_000);
    expect(stage.told).toEqual([]);
    await stage.offline();
    await stage.pass(1_000);
    expect(stage.told).toEqual(['elsewhere important message m2 1']);
  });

  it('goes with its account', async () => {
    const stage = await stageWithPhone();
    await stage.offline();
    await stage.host.accountRemoved.fire(stage.account);
    await stage.pass(1_000);
    expect(stage.told).toEqual([]);
    expect(stage.dropped).toEqual(['removed']);
    expect(stage.clock.pending).toEqual([]);
  });
});

describe('too many registrations with something to be told of', () => {
  it('is reported, and those that have nothing waiting have to wait for others', async () => {
    const stage = new NotifyStage();
    const [phone, tablet] = [await stage.enable('phone'), await stage.enable('tablet')];
    const { events, recorded } = recordingEvents();
    const ends: ((outcome: Outcome) => void)[] = [];
    const batches = new Batches({
      deliveries: { begin: (_device, _message, done) => ends.push(done), end: async () => {} },
      healths: { of: (registration) => registration },
      ...{ clock: stage.clock, events, jitter: () => 0, collectionTime: () => 1_000, onTold: () => {} },
      maxLanes: 1,
    });
    const stanza = stage.chat();
    const rest = { topic: '', isUrgent: false, isCounted: true } as const;
    const news = { level: 'important', kind: 'message', stanza, ...rest } as const;
    expect(batches.add(phone, news)?.isLost).toBe(false);
    expect(batches.add(tablet, news)).toBeUndefined();
    expect(batches.add(phone, news)).toBeDefined();
    expect(recorded).toEqual([
      { name: 'notificationDropped', jid: 'ana@example.org', channel: 'test', why: 'too many' },
    ]);
    stage.clock.advance(1_000);
    expect(batches.add(tablet, news)).toBeUndefined();
    ends[0]?.(delivered);
    expect(batches.add(tablet, news)).toBeDefined();
  });
});
