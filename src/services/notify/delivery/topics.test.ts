import { describe, expect, it } from 'vitest';
import { delivered, NotifyStage, pendingOutcome, retry } from '../../../../tests/harness/notify-stage.js';
import { maxNotices } from './waiting.js';

const ben = 'ben@example.net/x';
const eve = 'eve@example.net/y';

async function stageWithTopics(): Promise<NotifyStage> {
  const stage = new NotifyStage();
  stage.hasTopics = true;
  await stage.enable();
  return stage;
}

describe('a device that is told of each conversation by itself', () => {
  it('gets one notification of each when the collection is over', async () => {
    const stage = await stageWithTopics();
    for (const from of [ben, eve, ben]) await stage.offline(stage.chat({ from }));
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone important message m3 2', 'phone important message m2 1']);
  });

  it('is told how many there are of the same conversation since its client was here', async () => {
    const stage = await stageWithTopics();
    for (const from of [ben, eve, ben]) {
      await stage.offline(stage.chat({ from }));
      await stage.pass(1_000);
    }
    expect(stage.told.map((line) => line.at(-1))).toEqual(['1', '1', '2']);
    await stage.ping();
    expect(stage.told.at(-1)).toBe('phone unimportant ping - 3');
    await stage.host.sessionBegun.fire(stage.session());
    await stage.offline(stage.chat({ from: ben }));
    await stage.pass(1_000);
    expect(stage.told.at(-1)).toBe('phone important message m4 1');
  });

  it('hears of something unimportant unless the same conversation has more to say', async () => {
    const stage = await stageWithTopics();
    await stage.offline(stage.retraction(ben));
    await stage.offline(stage.retraction(eve));
    await stage.offline(stage.chat({ from: ben }));
    await stage.pass(1_000);
    expect(stage.told).toEqual(['phone important message m1 1', 'phone unimportant retraction r 0']);
  });

  it('is told of each after a back-off, of the newest in each', async () => {
    const stage = await stageWithTopics();
    stage.answers.push(retry, retry);
    for (const from of [ben, eve]) await stage.offline(stage.chat({ from }));
    await stage.pass(1_000);
    await stage.offline(stage.chat({ from: ben }));
    await stage.pass(3_000);
    expect(stage.told.slice(2).sort()).toEqual([
      'phone important message m2 1',
      'phone important message m3 2',
    ]);
    expect(stage.clock.pending).toEqual([]);
  });

  it('is told of two calls by two people', async () => {
    const stage = await stageWithTopics();
    stage.answers.push(retry);
    await stage.calls();
    await stage.calls(stage.call('c2').withAttrs({ from: eve }));
    expect(stage.told.slice(0, 2)).toEqual(['phone important call c1 1', 'phone important call c2 1']);
    await stage.pass(3_000);
    expect(stage.told.slice(2)).toEqual(['phone important call c1 1']);
  });

  it('is told of no more than so many at once: what is unimportant goes, then the oldest', async () => {
    const stage = await stageWithTopics();
    const says = (friend: number) => stage.offline(stage.chat({ from: `friend${friend}@example.net/x` }));
    await says(0);
    await stage.offline(stage.retraction());
    for (let friend = 1; friend < maxNotices; friend++) await says(friend);
    expect(stage.dropped).toEqual(['too many']);
    await stage.pass(1_000);
    expect(stage.told).toHaveLength(maxNotices);
    expect(stage.told.every((line) => line.includes('important message'))).toBe(true);
    for (let friend = 0; friend <= maxNotices; friend++) await says(friend);
    await stage.pass(1_000);
    expect(stage.dropped).toHaveLength(2);
    expect(stage.told.slice(maxNotices)).toHaveLength(maxNotices);
    expect(stage.told[maxNotices]).toBe(`phone important message m${maxNotices + 2} 2`);
  });

  it('is told of no more than so many after a back-off', async () => {
    const stage = await stageWithTopics();
    const pending = Array.from({ length: 3 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < maxNotices + 3; i++) {
      await stage.offline(stage.chat({ from: `friend${i}@example.net/x` }));
      if (i < 3) await stage.pass(1_000);
    }
    expect(stage.dropped).toEqual([]);
    for (const { settle } of pending) settle(retry);
    await stage.settle();
    expect(stage.dropped).toEqual(['too many', 'too many', 'too many']);
  });

  it('is told of three conversations at a time', async () => {
    const stage = await stageWithTopics();
    const pending = Array.from({ length: 5 }, () => pendingOutcome());
    stage.answers.push(...pending.map(({ promise }) => promise));
    for (let i = 0; i < 5; i++) await stage.offline(stage.chat({ from: `friend${i}@example.net/x` }));
    await stage.pass(1_000);
    expect(stage.deliveries).toHaveLength(3);
    for (const { settle } of pending) settle(delivered);
    await stage.settle();
    expect(stage.deliveries).toHaveLength(5);
  });
});
