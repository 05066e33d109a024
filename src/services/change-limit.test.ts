import { expect, it } from 'vitest';
import { ChangeLimit, changeLimit } from './change-limit.js';

const { each, duration } = changeLimit;
const letThrough = (limit: ChangeLimit, key: string, now: number, times: number) =>
  Array.from({ length: times }, () => limit.take(key, now)).filter(Boolean).length;

it('lets so many changes of each key through, and more when the time is over', () => {
  const limit = new ChangeLimit();
  expect(letThrough(limit, 'ana', 1_000, each + 50)).toBe(each);
  expect(limit.take('ben', 1_000)).toBe(true);
  expect(limit.take('ana', 1_000 + duration - 1)).toBe(false);
  expect(letThrough(limit, 'ana', 1_000 + duration, each + 1)).toBe(each);
});

it('does not wait for a time that a wrong clock has named', () => {
  const limit = new ChangeLimit();
  letThrough(limit, 'ana', 9_000_000_000, each + 1);
  expect(limit.take('ana', 1_000)).toBe(true);
});

it('forgets keys of too many', () => {
  const limit = new ChangeLimit();
  letThrough(limit, 'ana', 0, each + 1);
  for (let key = 0; key < 10_000; key++) limit.take(`${key}`, 0);
  expect(limit.take('ana', 0)).toBe(true);
});
