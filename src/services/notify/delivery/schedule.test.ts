import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { Schedule, type Scheduled } from './schedule.js';

interface Item extends Scheduled {
  readonly name: string;
}

const item = (name: string): Item => ({ name, at: 0, place: -1 });

function stage(precision = 10) {
  const clock = new FakeClock();
  const rung: string[] = [];
  const schedule = new Schedule<Item>(clock, precision, ({ name }) => rung.push(`${name} ${clock.now()}`));
  return { clock, rung, schedule };
}

describe('Schedule', () => {
  it('rings for each at its time, with one timer', () => {
    const { clock, rung, schedule } = stage();
    schedule.set(item('b'), 200);
    schedule.set(item('a'), 100);
    schedule.set(item('c'), 300);
    expect(clock.pending).toEqual([100]);
    clock.advance(250);
    expect(rung).toEqual(['a 100', 'b 200']);
    expect(clock.pending).toEqual([50]);
  });

  it('looks no more often than its precision', () => {
    const { clock, rung, schedule } = stage(10);
    for (const at of [100, 101, 105, 109, 111]) schedule.set(item('x'), at);
    clock.advance(200);
    expect(rung).toEqual(['x 100', 'x 110', 'x 110', 'x 110', 'x 120']);
  });

  it('forgets, and then wants no timer', () => {
    const { clock, rung, schedule } = stage();
    const a = item('a');
    schedule.set(a, 100);
    schedule.delete(a);
    schedule.delete(a);
    expect(clock.pending).toEqual([]);
    schedule.set(a, 100);
    schedule.set(item('b'), 50);
    schedule.clear();
    expect(clock.pending).toEqual([]);
    clock.advance(1_000);
    expect(rung).toEqual([]);
    schedule.set(a, 2_000);
    clock.advance(1_000);
    expect(rung).toEqual(['a 2000']);
  });

  it('takes what is set while it rings', () => {
    const clock = new FakeClock();
    const rung: number[] = [];
    const schedule = new Schedule<Item>(clock, 10, (one) => {
      rung.push(clock.now());
      if (rung.length < 3) schedule.set(one, clock.now() + 100);
    });
    schedule.set(item('a'), 100);
    clock.advance(1_000);
    expect(rung).toEqual([100, 200, 300]);
  });

  it('rings in order, whatever is set, changed and deleted', () => {
    const times = fc.array(fc.tuple(fc.nat(30), fc.option(fc.nat(500))), { maxLength: 200 });
    fc.assert(
      fc.property(times, (changes) => {
        const { clock, rung, schedule } = stage(0);
        const items = Array.from({ length: 31 }, (_, i) => item(`${i}`));
        const expected = new Map<string, number>();
        for (const [index, at] of changes) {
          const one = items[index] ?? item('');
          if (at === null) schedule.delete(one);
          else schedule.set(one, at);
          if (at === null) expected.delete(one.name);
          else expected.set(one.name, at);
        }
        clock.advance(500);
        expect(rung.map((line) => Number(line.split(' ')[1]))).toEqual(
          [...expected.values()].sort((a, b) => a - b),
        );
        expect(rung.sort()).toEqual([...expected].map(([name, at]) => `${name} ${at}`).sort());
        expect(clock.pending).toEqual([]);
      }),
    );
  });
});
