import { describe, expect, it } from 'vitest';
import { BackOff } from './back-off.js';

const delays = (backOff: BackOff, count: number) => Array.from({ length: count }, () => backOff.next());

describe('BackOff', () => {
  it('doubles up to the longest delay and stays there', () => {
    const backOff = new BackOff({ first: 1000, longest: 60_000, jitter: () => 1 });
    expect(delays(backOff, 9)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('spreads each delay over the upper half', () => {
    const backOff = new BackOff({ first: 1000, longest: 60_000, jitter: () => 0 });
    expect(delays(backOff, 3)).toEqual([500, 1000, 2000]);
  });

  it('begins again after a reset', () => {
    const backOff = new BackOff({ first: 1000, longest: 60_000, jitter: () => 1 });
    delays(backOff, 5);
    backOff.reset();
    expect(backOff.next()).toBe(1000);
  });
});
