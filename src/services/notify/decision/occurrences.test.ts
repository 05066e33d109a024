import fc from 'fast-check';
import { expect, it } from 'vitest';
import { occurrences } from './occurrences.js';

it('finds a word wherever it is, overlapping itself', () => {
  expect([...occurrences('banana', 'ana')]).toEqual([1, 3]);
  expect([...occurrences('aaaa', 'aa')]).toEqual([0, 1, 2]);
  expect([...occurrences('abcabd', 'abd')]).toEqual([3]);
  expect([...occurrences('ab', 'abc')]).toEqual([]);
  expect([...occurrences('ab', '')]).toEqual([]);
});

it('finds what looking everywhere finds', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 60 });
  const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(text, word, (whole, it) => {
      const all = Array.from(whole, (_, at) => at).filter((at) => whole.startsWith(it, at));
      expect([...occurrences(whole, it)]).toEqual(all);
    }),
  );
});
