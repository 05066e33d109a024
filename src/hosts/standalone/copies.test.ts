import { beforeEach, describe, expect, it } from 'vitest';
import { el } from '../../xmpp/element.js';
import { Copies } from './copies.js';

describe('copies of a message', () => {
  const original = el('message', 'x', { id: 'original' });
  const a = el('message', 'x', { id: 'a' });
  const b = el('message', 'x', { id: 'b' });
  const carbons = [a, b];
  let copies: Copies;

  beforeEach(() => {
    copies = new Copies();
  });

  it('come back at once if there is but the one', () => {
    copies.share(original, [], 1);
    expect(copies.has(original)).toBe(false);
    expect(copies.takeBack(original)).toBe(original);
  });

  it('come back when the last one does, as the original', () => {
    copies.share(original, carbons, 1);
    expect(copies.takeBack(a)).toBeUndefined();
    expect(copies.takeBack(original)).toBeUndefined();
    expect(copies.takeBack(b)).toBe(original);
  });

  it('come back when all that had the original have lost it', () => {
    copies.share(original, [], 3);
    expect([1, 2, 3].map(() => copies.takeBack(original))).toEqual([undefined, undefined, original]);
  });

  it('count anew when they have come back', () => {
    copies.share(original, [], 2);
    copies.takeBack(original);
    expect(copies.takeBack(original)).toBe(original);
    copies.share(original, [], 2);
    expect(copies.takeBack(original)).toBeUndefined();
    expect(copies.takeBack(original)).toBe(original);
  });

  it('may be given to more', () => {
    copies.share(original, [a], 1);
    copies.share(original, [b], 1);
    expect([a, original, original].map((copy) => copies.takeBack(copy))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(copies.takeBack(b)).toBe(original);
  });

  it('never come back if they are forgotten', () => {
    copies.forget(carbons);
    expect([a, a, b].map((copy) => copies.takeBack(copy))).toEqual([undefined, undefined, undefined]);
  });
});
