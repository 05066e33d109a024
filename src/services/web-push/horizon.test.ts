import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../tests/harness/fake-clock.js';
import { Horizon } from './horizon.js';

const now = 1_800_000_000_000;

describe('how far is known that nothing waits', () => {
  it('is not at all before it was looked, and somewhat less far than was looked', () => {
    const horizon = new Horizon(new FakeClock());
    expect(horizon.upTo(['dead'])).toBe(0);
    horizon.found(undefined, now);
    expect(horizon.upTo(['dead'])).toBe(now - 30_000);
    horizon.found(now + 100_000, now + 1_000);
    expect(horizon.upTo(['dead'])).toBe(now - 29_000);
    horizon.found(now - 50_000, now + 2_000);
    expect(horizon.upTo(['dead'])).toBe(now - 29_000);
  });

  it('is for an origin that is open again as far as when it was closed', () => {
    const horizon = new Horizon(new FakeClock());
    horizon.found(undefined, now);
    horizon.upTo(['early']);
    horizon.found(undefined, now + 5_000);
    horizon.upTo(['early', 'late']);
    horizon.found(undefined, now + 9_000);
    expect(horizon.upTo(['early', 'late'])).toBe(now - 21_000);
    expect(horizon.upTo(['early'])).toBe(now - 25_000);
    expect(horizon.upTo([])).toBe(now - 30_000);
  });

  it('is not kept for longer than a minute', () => {
    const clock = new FakeClock();
    const horizon = new Horizon(clock);
    horizon.found(undefined, now);
    clock.advance(59_999);
    expect(horizon.upTo(['dead'])).toBe(now - 30_000);
    clock.advance(1);
    expect(horizon.upTo(['dead'])).toBe(0);
  });

  it('never hides what waits for an open origin', () => {
    const names = ['a', 'b', 'c'] as const;
    const step = fc.record({
      closed: fc.subarray([...names]),
      seconds: fc.nat(40),
      added: fc.array(fc.record({ origin: fc.constantFrom(...names), late: fc.nat(29) }), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const clock = new FakeClock();
        const horizon = new Horizon(clock);
        let rows: { readonly origin: string; readonly dueAt: number }[] = [];
        for (const { closed, seconds, added } of steps) {
          const time = now + clock.now();
          rows.push(...added.map(({ origin, late }) => ({ origin, dueAt: time - late * 1_000 })));
          const open = rows.filter(({ origin }) => !closed.some((name) => name === origin));
          const upTo = horizon.upTo(closed);
          expect(open.filter(({ dueAt }) => dueAt <= upTo)).toEqual([]);
          const first = open.length === 0 ? undefined : Math.min(...open.map(({ dueAt }) => dueAt));
          horizon.found(first, time);
          expect(open.filter(({ dueAt }) => dueAt <= horizon.upTo(closed))).toEqual([]);
          // All that is due is claimed, where it may be.
          rows = rows.filter((row) => !open.includes(row));
          clock.advance(seconds * 1_000);
        }
      }),
    );
  });
});
