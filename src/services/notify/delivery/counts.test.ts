import { describe, expect, it } from 'vitest';
import { Counts } from './counts.js';

describe('Counts', () => {
  it('counts by key until it is told to begin anew', () => {
    const counts = new Counts(10);
    expect(counts.add('a', 1)).toBe(1);
    expect(counts.add('a', 2)).toBe(3);
    expect(counts.add('b', 0)).toBe(0);
    expect(counts.of('a')).toBe(3);
    counts.delete('a');
    expect(counts.of('a')).toBe(0);
    expect(counts.isEmpty).toBe(true);
  });

  it('forgets those that nothing was added to for longest', () => {
    const counts = new Counts(2);
    for (const key of ['a', 'b', 'a', 'c']) counts.add(key, 1);
    expect([counts.of('a'), counts.of('b'), counts.of('c')]).toEqual([2, 0, 1]);
  });
});
