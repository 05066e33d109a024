import { describe, expect, it } from 'vitest';
import { inServiceOrder } from './service-order.js';

const record = (name: string, priority: number, weight: number) => ({ name, port: 5269, priority, weight });
const names = (records: readonly { readonly name: string }[]) => records.map(({ name }) => name).join('');

describe('inServiceOrder', () => {
  it('puts lower priorities first, whatever the weights', () => {
    const records = [record('c', 20, 100), record('a', 5, 0), record('b', 10, 1)];
    for (const random of [0, 0.5, 0.999]) expect(names(inServiceOrder(records, () => random))).toBe('abc');
  });

  it.each([
    [[0, 0, 0], 'zab'],
    [[0.2, 0.999, 0], 'abz'],
    [[0.999, 0, 0], 'bza'],
    [[0.999, 0.999, 0], 'baz'],
  ])('chooses by weight within a priority: %s', (numbers, order) => {
    const left = [...numbers];
    const records = [record('a', 1, 30), record('b', 1, 60), record('z', 1, 0)];
    expect(names(inServiceOrder(records, () => left.shift() ?? 0))).toBe(order);
  });

  it('chooses heavy ones first about as often as they are heavier', () => {
    const records = [record('light', 1, 1), record('heavy', 1, 9)];
    const steps = Array.from({ length: 100 }, (_, index) => index / 100);
    const first = steps.map((number) => inServiceOrder(records, () => number)[0]?.name);
    const light = first.filter((name) => name === 'light').length;
    expect(light).toBeGreaterThan(10);
    expect(light).toBeLessThan(25);
  });

  it('keeps all of them', () => {
    const records = Array.from({ length: 20 }, (_, index) => record(`${index}`, index % 3, index % 4));
    expect(
      inServiceOrder(records, Math.random)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(records.map(({ name }) => name).sort());
    expect(inServiceOrder([], Math.random)).toEqual([]);
  });
});
