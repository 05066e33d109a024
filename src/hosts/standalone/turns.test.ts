import { describe, expect, it } from 'vitest';
import { Turns } from './turns.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Turns', () => {
  it('do one piece of work in each turn of the event loop, in order', async () => {
    const turns = new Turns();
    const done: number[] = [];
    const all = Promise.all([1, 2, 3].map((number) => turns.take(() => done.push(number))));
    for (let count = 0; count < 6 && done.length < 3; count++) {
      const before = done.length;
      await turn();
      expect(done.length - before).toBeLessThanOrEqual(1);
    }
    await all;
    expect(done).toEqual([1, 2, 3]);
  });

  it('go on after work that failed', async () => {
    const turns = new Turns();
    const failed = turns.take(() => {
      throw new Error('flaw');
    });
    const next = turns.take(() => 'done');
    await expect(failed).rejects.toThrow('flaw');
    expect(await next).toBe('done');
  });
});
