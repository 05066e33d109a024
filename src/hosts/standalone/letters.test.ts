import { beforeEach, describe, expect, it } from 'vitest';
import { el } from '../../xmpp/element.js';
import { Letters } from './letters.js';

describe('letters', () => {
  const original = el('message', 'x', { id: 'original' });
  const a = el('message', 'x', { id: 'a' });
  const b = el('message', 'x', { id: 'b' });
  const carbons = [a, b];
  let letters: Letters;

  beforeEach(() => {
    letters = new Letters();
  });

  it('come back at once if one alone had them', () => {
    letters.share(original, [], 1);
    expect(letters.has(original)).toBe(false);
    expect(letters.takeBack(original)).toBe(original);
  });

  it('come back with the last copy, and as the original', () => {
    letters.share(original, carbons, 1);
    expect(letters.takeBack(a)).toBeUndefined();
    expect(letters.takeBack(original)).toBeUndefined();
    expect(letters.takeBack(b)).toBe(original);
  });

  it('come back when all that had the original have lost it', () => {
    letters.share(original, [], 3);
    expect([1, 2, 3].map(() => letters.takeBack(original))).toEqual([undefined, undefined, original]);
  });

  it('count anew when they have come back', () => {
    letters.share(original, [], 2);
    letters.takeBack(original);
    expect(letters.takeBack(original)).toBe(original);
    letters.share(original, [], 2);
    expect(letters.takeBack(original)).toBeUndefined();
    expect(letters.takeBack(original)).toBe(original);
  });

  it('may be given to more', () => {
    letters.share(original, [a], 1);
    letters.share(original, [b], 1);
    expect([a, original, original].map((copy) => letters.takeBack(copy))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(letters.takeBack(b)).toBe(original);
  });

  it('never come back if they are forgotten', () => {
    letters.forget(carbons);
    expect([a, a, b].map((copy) => letters.takeBack(copy))).toEqual([undefined, undefined, undefined]);
  });
});
