import { describe, expect, it } from 'vitest';
import { jitterOf, retryDelay } from './retry-delay.js';

describe('retryDelay', () => {
  it('doubles from two seconds to five minutes, and is in the upper half', () => {
    expect(retryDelay(0, undefined, 0)).toBe(1_000);
    expect(retryDelay(0, undefined, 1)).toBe(2_000);
    expect(retryDelay(3, undefined, 0.5)).toBe(12_000);
    expect(retryDelay(8, undefined, 1)).toBe(300_000);
    expect(retryDelay(10_000, undefined, 1)).toBe(300_000);
  });

  it.each([
    [60, 0, 60_000],
    [60, 1, 66_000],
    [0, 0, 1_000],
    [-5, 0, 1_000],
    [1e9, 0, 3_600_000],
  ])('is what is asked for, %d s with jitter %d: %d ms', (after, jitter, expected) => {
    expect(retryDelay(5, after, jitter)).toBe(expected);
  });
});

it('a jitter is from 0 up to 1', () => {
  const jitters = [
    [0, 0],
    [128, 0],
    [255, 255],
  ].map((bytes) => jitterOf(() => Uint8Array.from(bytes))());
  expect(jitters).toEqual([0, 0.5, 65_535 / 65_536]);
});
