import { describe, expect, it } from 'vitest';
import type { Health } from '../store.js';
import { healthAfter, isToBeTried } from './error-policy.js';

const now = 1_800_000_000_000;
const day = 24 * 3_600_000;
const well: Health = { failures: 0, restsSince: undefined };
const rejected = { kind: 'rejected', reason: 'no' } as const;
const delivered = { kind: 'delivered' } as const;

describe('healthAfter', () => {
  it('is the same object if nothing changes', () => {
    const ill: Health = { failures: 2, restsSince: undefined };
    expect(healthAfter(well, delivered, 3, now)).toBe(well);
    expect(healthAfter(ill, { kind: 'retry', reason: 'later' }, 3, now)).toBe(ill);
    expect(healthAfter(ill, { kind: 'gone', reason: 'nobody' }, 3, now)).toBe(ill);
  });

  it('counts what is rejected, until one is delivered', () => {
    const once = healthAfter(well, rejected, 3, now);
    expect(once).toEqual({ failures: 1, restsSince: undefined });
    expect(healthAfter(once, rejected, 3, now)).toEqual({ failures: 2, restsSince: undefined });
    expect(healthAfter(once, delivered, 3, now)).toEqual(well);
  });

  it('rests after as many as are allowed, from then on', () => {
    expect(healthAfter({ failures: 2, restsSince: undefined }, rejected, 3, now)).toEqual({
      failures: 3,
      restsSince: now,
    });
    expect(healthAfter(well, rejected, 1, now).restsSince).toBe(now);
  });

  it('rests on after one more, also if more are allowed since', () => {
    expect(healthAfter({ failures: 3, restsSince: now - day }, rejected, 16, now)).toEqual({
      failures: 4,
      restsSince: now,
    });
  });

  it('is well after a delivery', () => {
    expect(healthAfter({ failures: 3, restsSince: now - day }, delivered, 3, now)).toEqual(well);
  });
});

describe('isToBeTried', () => {
  it.each([
    ['does not rest', undefined, true],
    ['rests since now', now, false],
    ['rests for less than a day', now - day + 1, false],
    ['rests for a day', now - day, true],
    ['rests since tomorrow', now + day, true],
  ])('one that %s', (_, restsSince, isIt) => {
    expect(isToBeTried({ failures: 3, restsSince }, now)).toBe(isIt);
  });
});
