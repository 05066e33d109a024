import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PushLimitOptions, PushLimits } from './limits.js';

function limitsOf(options: Partial<PushLimitOptions>): PushLimits {
  return new PushLimits({ perMinute: 0, underWayEach: 10, underWayInAll: 10, countedKeys: 10, ...options });
}

describe('the places of pushes under way', () => {
  it('are limited in all', () => {
    const limits = limitsOf({ underWayInAll: 2 });
    expect([limits.admit(), limits.admit(), limits.admit()]).toEqual([true, true, false]);
    limits.release();
    expect([limits.admit(), limits.admit()]).toEqual([true, false]);
  });

  it('are limited for each key', () => {
    const limits = limitsOf({ underWayEach: 2 });
    expect(['a', 'a', 'a', 'b'].map((key) => limits.enter(key))).toEqual([true, true, false, true]);
    limits.leave('a');
    expect([limits.enter('a'), limits.enter('a')]).toEqual([true, false]);
    limits.leave('b');
    expect([limits.enter('b'), limits.enter('b'), limits.enter('b')]).toEqual([true, true, false]);
  });
});

describe('the rate', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is not counted if there is no limit', () => {
    expect(limitsOf({ perMinute: 0 }).count('a')).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets so many through a minute, and says when the next one is', async () => {
    const limits = limitsOf({ perMinute: 2 });
    expect([await limits.count('a'), await limits.count('a')]).toEqual([0, 0]);
    vi.advanceTimersByTime(20_500);
    expect(await limits.count('a')).toBe(40);
    expect(await limits.count('b')).toBe(0);
    vi.advanceTimersByTime(39_499);
    expect(await limits.count('a')).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await limits.count('a')).toBe(0);
  });

  it('is held for a bounded number of keys: past it, the oldest starts anew', async () => {
    const limits = limitsOf({ perMinute: 1, countedKeys: 2 });
    for (const key of ['a', 'b', 'c']) expect(await limits.count(key)).toBe(0);
    expect(vi.getTimerCount()).toBe(2);
    expect(await limits.count('c')).toBe(60);
    expect(await limits.count('b')).toBe(60);
    expect(await limits.count('a')).toBe(0);
    expect(vi.getTimerCount()).toBe(2);
  });

  it('leaves no timer behind', async () => {
    const limits = limitsOf({ perMinute: 1 });
    await limits.count('a');
    await limits.count('b');
    expect(vi.getTimerCount()).toBe(2);
    limits.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
