import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { Deadlines } from './deadlines.js';

function setUp() {
  const clock = new FakeClock();
  const expired: string[] = [];
  const deadlines = new Deadlines<string>(clock, 100, (item) => expired.push(`${item} ${clock.now()}`));
  return { clock, expired, deadlines };
}

describe('Deadlines', () => {
  it('expires each at its own time, with one timer', () => {
    const { clock, expired, deadlines } = setUp();
    for (const item of ['a', 'b', 'c']) {
      deadlines.add(item);
      clock.advance(30);
    }
    expect(clock.pending).toHaveLength(1);
    clock.advance(1_000);
    expect(expired).toEqual(['a 100', 'b 130', 'c 160']);
    expect(clock.pending).toEqual([]);
  });

  it('spares what was deleted, and needs no timer for nothing', () => {
    const { clock, expired, deadlines } = setUp();
    deadlines.add('a');
    clock.advance(50);
    deadlines.add('b');
    expect([deadlines.delete('a'), deadlines.delete('a')]).toEqual([true, false]);
    clock.advance(1_000);
    expect(expired).toEqual(['b 150']);
    deadlines.add('c');
    deadlines.delete('c');
    expect(clock.pending).toEqual([]);
  });

  it('begins anew for what is added again', () => {
    const { clock, expired, deadlines } = setUp();
    deadlines.add('a');
    clock.advance(60);
    deadlines.add('b');
    deadlines.add('a');
    clock.advance(1_000);
    expect(expired).toEqual(['b 160', 'a 160']);
  });
});
