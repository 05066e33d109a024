import { describe, expect, it } from 'vitest';
import { InOrder } from './in-order.js';

/** Work that a test ends. */
function gate() {
  let open: (end: string) => void = () => undefined;
  const end = new Promise<string>((resolve) => {
    open = resolve;
  });
  return { work: () => end, open: (value: string) => open(value) };
}

describe('work in order', () => {
  it('waits for all that was given for its key before, and not for others', async () => {
    const order = new InOrder();
    const [first, other] = [gate(), gate()];
    const ends: string[] = [];
    const note = (end: string) => void ends.push(end);
    const done = [
      order.take('a', first.work).then(note),
      order.take('a', async () => 'second').then(note),
      order.take('b', other.work).then(note),
    ];
    expect([order.lengthOf('a'), order.lengthOf('b'), order.lengthOf('c')]).toEqual([2, 1, 0]);
    other.open('other');
    await done[2];
    expect(ends).toEqual(['other']);
    first.open('first');
    await Promise.all(done);
    expect(ends).toEqual(['other', 'first', 'second']);
    expect([order.lengthOf('a'), order.lengthOf('b')]).toEqual([0, 0]);
  });

  it('goes on after work that failed', async () => {
    const order = new InOrder();
    const failing = order.take('a', () => Promise.reject(new Error('flaw')));
    const next = order.take('a', async () => 'next');
    await expect(failing).rejects.toThrow('flaw');
    expect(await next).toBe('next');
    const thrown = order.take('a', () => {
      throw new Error('at once');
    });
    await expect(thrown).rejects.toThrow('at once');
    expect(order.lengthOf('a')).toBe(0);
  });

  it('may be given by what has just ended', async () => {
    const order = new InOrder();
    const ends: string[] = [];
    await order
      .take('a', async () => ends.push('first'))
      .then(() => order.take('a', async () => ends.push('second')));
    expect(ends).toEqual(['first', 'second']);
    expect(order.lengthOf('a')).toBe(0);
  });
});
