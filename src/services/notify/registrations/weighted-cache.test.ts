import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeightedCache } from './weighted-cache.js';

const cacheOf = (capacity: number) => new WeightedCache<string>(capacity, (value) => value.length);

describe('a cache by weight', () => {
  it('loses what nobody asked for the longest when it becomes too heavy', () => {
    const cache = cacheOf(6);
    cache.set('a', 'aa');
    cache.set('b', 'bb');
    cache.set('c', 'cc');
    expect(cache.get('a')).toBe('aa');
    cache.set('d', 'ddd');
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual(['aa', undefined, undefined, 'ddd']);
  });

  it('keeps what is heavier than all until the next comes', () => {
    const cache = cacheOf(3);
    cache.set('a', 'a');
    cache.set('b', 'bbbbb');
    expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 'bbbbb']);
    cache.set('c', 'c');
    expect([cache.get('b'), cache.get('c')]).toEqual([undefined, 'c']);
  });

  it('has at any time what a list of all that came would have', () => {
    const step = fc.tuple(
      fc.constantFrom('get', 'set', 'delete'),
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.nat({ max: 4 }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const cache = cacheOf(7);
        let model: [key: string, value: string][] = [];
        for (const [what, key, length] of steps) {
          const old = model.find(([name]) => name === key);
          const others = model.filter((entry) => entry !== old);
          const value = 'x'.repeat(length);
          if (what === 'get') {
            expect(cache.get(key)).toBe(old?.[1]);
            if (old !== undefined) model = [...others, old];
          } else if (what === 'delete') {
            cache.delete(key);
            model = others;
          } else {
            cache.set(key, value);
            model = [...others, [key, value]];
            while (model.map((entry) => entry[1]).join('').length > 7) model.shift();
          }
        }
        for (const [key, value] of model) expect(cache.get(key)).toBe(value);
      }),
    );
  });
});
