import { describe, expect, it } from 'vitest';
import { LentPages } from './lent-pages.js';

describe('lent pages', () => {
  it('may go when all before them may', () => {
    const lent = new LentPages();
    const [a, b, c] = [lent.lend(1, 20, 5), lent.lend(1, 40, 7), lent.lend(1, 60, 2)];
    expect([lent.last(1), lent.size(1), lent.doneThrough(1)]).toEqual([60, 14, undefined]);
    b.isDone = true;
    expect(lent.doneThrough(1)).toBeUndefined();
    a.isDone = true;
    expect(lent.doneThrough(1)).toBe(40);
    lent.forget(1, 40);
    expect([lent.last(1), lent.size(1), lent.doneThrough(1)]).toEqual([60, 2, undefined]);
    c.isDone = true;
    lent.forget(1, 60);
    expect([lent.last(1), lent.size(1), lent.doneThrough(1)]).toEqual([0, 0, undefined]);
  });

  it('are each account’s own', () => {
    const lent = new LentPages();
    lent.lend(1, 20, 5).isDone = true;
    expect([lent.last(2), lent.size(2), lent.doneThrough(2)]).toEqual([0, 0, undefined]);
  });
});
