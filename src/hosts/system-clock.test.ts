import { expect, it } from 'vitest';
import { systemClock } from './system-clock.js';

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

it('does at the end of the turn what is to be done without delay', async () => {
  const done: string[] = [];
  systemClock.after(0, () => done.push('first'));
  systemClock.after(-5, () => done.push('second'));
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual(['first', 'second']);
});

it.each([0, 1])('does not do after %i ms what was cancelled', async (delay) => {
  let isDone = false;
  systemClock.after(delay, () => {
    isDone = true;
  })();
  await new Promise<void>((resolve) => void systemClock.after(delay + 1, resolve));
  await turn();
  expect(isDone).toBe(false);
});
