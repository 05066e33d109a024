import { describe, expect, it } from 'vitest';
import { rateDelay, useRate } from './byte-rate.js';

const rate = { bytesPerSecond: 1_000, burstSeconds: 10 };

describe('a rate of bytes', () => {
  it('lets a burst pass and then only as much as comes in again', () => {
    let usedUntil = useRate(0, 5_000, 10_000, rate);
    expect(rateDelay(usedUntil, 5_000, rate)).toBe(0);
    usedUntil = useRate(usedUntil, 5_000, 500, rate);
    expect(rateDelay(usedUntil, 5_000, rate)).toBe(500);
    expect(rateDelay(usedUntil, 5_500, rate)).toBe(0);
    usedUntil = useRate(usedUntil, 7_500, 2_000, rate);
    expect(rateDelay(usedUntil, 7_500, rate)).toBe(0);
  });

  it('does not save up more than the burst in a silence', () => {
    const usedUntil = useRate(useRate(0, 0, 1, rate), 1_000_000, 11_000, rate);
    expect(rateDelay(usedUntil, 1_000_000, rate)).toBe(1_000);
  });
});
