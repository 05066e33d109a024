import { beforeEach, describe, expect, it } from 'vitest';
import { NotifyStage } from '../../../../tests/harness/notify-stage.js';
import { Lane } from './lane.js';
import type { News } from './notice.js';

const stage = new NotifyStage();
let lane: Lane;
beforeEach(async () => {
  lane = new Lane(await stage.enable());
});

function news(changes: Partial<News> = {}): News {
  const stanza = stage.chat();
  const rest = { topic: '', isUrgent: false, isCounted: true };
  return { level: 'important', kind: 'message', stanza, ...rest, ...changes };
}

/** Takes what is due, which has to be something. */
function taken(now: number) {
  const notice = lane.take(now);
  if (notice === undefined) throw new Error(`nothing is due at ${now}`);
  return notice;
}

describe('what could not be delivered', () => {
  it('counts once if several fail at once', () => {
    const together = Array.from({ length: 4 }, () => {
      lane.add(news(), 0, 0);
      return taken(0);
    });
    for (const notice of together) lane.retry(notice, 0, undefined, 1);
    expect(lane.nextDue).toBe(2_000);
    lane.retry(taken(2_000), 2_000, undefined, 1);
    expect(lane.nextDue).toBe(6_000);
  });

  it('does not shorten a collection', () => {
    lane.add(news(), 0, 0);
    const failing = taken(0);
    lane.add(news(), 100, 60_000);
    lane.retry(failing, 200, undefined, 1);
    expect(lane.nextDue).toBe(60_100);
  });

  it('holds up nothing that comes when it has been dropped', () => {
    lane.add(news(), 0, 0);
    lane.retry(taken(0), 0, 600, 0);
    lane.clear();
    lane.add(news(), 1_000, 1_000);
    expect(lane.nextDue).toBe(2_000);
    lane.hasten(1_500);
    expect(lane.nextDue).toBe(1_500);
  });

  it('is the first again after a success', () => {
    lane.add(news(), 0, 0);
    for (const now of [0, 2_000, 6_000]) lane.retry(taken(now), now, undefined, 1);
    lane.succeed(14_000);
    lane.retry(taken(14_000), 14_000, undefined, 1);
    expect(lane.nextDue).toBe(16_000);
  });

  it('is over when something else is delivered', () => {
    lane.add(news(), 0, 0);
    lane.retry(taken(0), 0, undefined, 1);
    lane.succeed(500);
    expect(lane.nextDue).toBe(500);
  });

  it('that the service has asked for is not over before', () => {
    lane.add(news(), 0, 0);
    lane.retry(taken(0), 0, 600, 0);
    const until = lane.nextDue;
    lane.succeed(500);
    expect(lane.nextDue).toBe(until);
  });

  it('has more patience when something newer is in it', () => {
    lane.add(news(), 0, 0);
    const old = taken(0);
    lane.retry(old, 0, undefined, 1);
    lane.take(2_000);
    const newer = news();
    lane.add(newer, 3_000_000, 0);
    lane.retry(old, 3_000_000, undefined, 1);
    expect(old).toMatchObject({ news: newer, giveUpAt: Number.POSITIVE_INFINITY });
  });
});

describe('what is merged', () => {
  it('is lost with what it was merged into, newer or older', () => {
    lane.add(news(), 0, 0);
    const old = taken(0);
    const newer = lane.add(news(), 0, 0);
    lane.retry(old, 0, undefined, 0);
    expect([old.isLost, newer.isLost]).toEqual([false, false]);
    for (const notice of lane.clear()) notice.lose();
    expect([old.isLost, newer.isLost]).toEqual([true, true]);
  });

  it('is lost with the important one that made it needless', () => {
    const needless = lane.add(news({ level: 'unimportant' }), 0, 0);
    lane.add(news(), 0, 0);
    taken(0).lose();
    expect(needless.isLost).toBe(true);
    expect(lane.isIdle).toBe(true);
  });

  it('is not lost with an important one about something else of the same sender', () => {
    const other = lane.add(news({ level: 'unimportant', topic: 'a' }), 0, 0);
    lane.add(news({ topic: 'b' }), 0, 0);
    taken(0).lose();
    expect(other.isLost).toBe(false);
    expect(lane.take(0)).toBe(other);
  });
});

it('tries calls that fail at once again when the first of them is', () => {
  const calls = Array.from({ length: 2 }, () => {
    lane.add(news({ isUrgent: true, kind: 'call' }), 0, 0);
    return taken(0);
  });
  for (const call of calls) lane.retry(call, 0, undefined, 1);
  expect(lane.nextDue).toBe(2_000);
});
