import { describe, expect, it } from 'vitest';
import { UnderWay } from './under-way.js';

describe('work under way', () => {
  it('is settled when all of it has ended, however', async () => {
    const work = new UnderWay();
    expect(work.settled(1)).toBeUndefined();
    let finish = () => {};
    const slow = work.run(1, () => new Promise<void>((resolve) => (finish = resolve)));
    const failed = work.run(1, () => Promise.reject(new Error('disk'))).catch((error: unknown) => error);
    let isSettled = false;
    const settled = work.settled(1)?.then(() => {
      isSettled = true;
    });
    expect(work.settled(2)).toBeUndefined();
    expect(await failed).toBeInstanceOf(Error);
    expect(isSettled).toBe(false);
    finish();
    await slow;
    await settled;
    expect([isSettled, work.settled(1)]).toEqual([true, undefined]);
  });

  it('begins at once', () => {
    let isBegun = false;
    void new UnderWay().run(1, async () => {
      isBegun = true;
    });
    expect(isBegun).toBe(true);
  });
});
