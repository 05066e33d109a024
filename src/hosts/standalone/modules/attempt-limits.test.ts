import { describe, expect, it } from 'vitest';
import { AttemptLimits } from './attempt-limits.js';

describe('AttemptLimits', () => {
  const windowSeconds = 3_600;

  it('lets so many of each key through', async () => {
    const limits = new AttemptLimits({ each: 2, inAll: 100, windowSeconds });
    expect([await limits.take('a'), await limits.take('a'), await limits.take('a')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(await limits.take('b')).toBe(true);
  });

  it('lets so many through in all, of which the refused are none', async () => {
    const limits = new AttemptLimits({ each: 1, inAll: 3, windowSeconds });
    await limits.take('a');
    for (let at = 0; at < 10; at++) expect(await limits.take('a')).toBe(false);
    expect([await limits.take('b'), await limits.take(undefined), await limits.take('c')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(await limits.take(undefined)).toBe(false);
  });

  it('lets no more through when they come all at once', async () => {
    const limits = new AttemptLimits({ each: 2, inAll: 5, windowSeconds });
    const takeAll = async (keys: readonly (string | undefined)[]) =>
      (await Promise.all(keys.map((key) => limits.take(key)))).filter(Boolean).length;
    expect(await takeAll(Array(20).fill('a'))).toBe(2);
    expect(await takeAll(Array(20).fill(undefined))).toBe(3);
  });

  it('begins anew after the window', async () => {
    const limits = new AttemptLimits({ each: 1, inAll: 1, windowSeconds: 1 });
    expect(await limits.take('a')).toBe(true);
    await expect.poll(() => limits.take('a'), { timeout: 10_000 }).toBe(true);
  });
});
