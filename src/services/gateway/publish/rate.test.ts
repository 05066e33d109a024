import { expect, it } from 'vitest';
import { Rate } from './rate.js';

const start = 1_800_000_000_000;

it('lets as many through as may be in a minute, and says when that is over', () => {
  const rate = new Rate();
  const take = (at: number) => rate.take('n', start + at, 3);
  expect([0, 1, 59_000].map(take)).toEqual([undefined, undefined, undefined]);
  expect([59_500, 59_999].map(take)).toEqual([start + 60_000, start + 60_000]);
  expect([60_000, 60_001, 60_002, 60_003].map(take)).toEqual([
    undefined,
    undefined,
    undefined,
    start + 120_000,
  ]);
});

it('counts each registration by itself', () => {
  const rate = new Rate();
  expect(rate.take('a', start, 1)).toBeUndefined();
  expect(rate.take('b', start, 1)).toBeUndefined();
  expect(rate.take('a', start, 1)).toBe(start + 60_000);
});

it('counts nothing without a limit', () => {
  const rate = new Rate();
  for (let count = 0; count < 10_000; count++) expect(rate.take('n', start, 0)).toBeUndefined();
});

it('begins anew when the clock was set back', () => {
  const rate = new Rate();
  rate.take('n', start, 1);
  expect(rate.take('n', start - 3_600_000, 1)).toBeUndefined();
  expect(rate.take('n', start - 3_600_000, 1)).toBe(start - 3_540_000);
});
