import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { Expiries } from './expiries.js';

function create() {
  const clock = new FakeClock();
  const expired: string[] = [];
  const expiries = new Expiries<string>(clock, (item) => void expired.push(item));
  return { clock, expired, expiries };
}

describe('expiries', () => {
  it('come each at its own time, at most a second late', () => {
    const { clock, expired, expiries } = create();
    expiries.set('long', 60_000);
    expiries.set('short', 1_500);
    clock.advance(1_499);
    expect(expired).toEqual([]);
    clock.advance(1_001);
    expect(expired).toEqual(['short']);
    expect([expiries.has('short'), expiries.has('long')]).toEqual([false, true]);
    clock.advance(59_000);
    expect(expired).toEqual(['short', 'long']);
    expect(clock.pending).toEqual([]);
  });

  it('come sooner if somebody cannot wait', () => {
    const { clock, expired, expiries } = create();
    expiries.set('long', 60_000);
    expiries.set('short', 5_000);
    clock.advance(1_000);
    expiries.hasten(3_999);
    expect(expired).toEqual([]);
    expiries.hasten(4_000);
    expect(expired).toEqual(['short']);
    expect([expiries.has('short'), expiries.has('long')]).toEqual([false, true]);
  });

  it('can be put off, and never sooner by that', () => {
    const { clock, expired, expiries } = create();
    expiries.set('a', 5_000);
    expiries.extend('a', 10_000);
    expiries.extend('a', 1_000);
    clock.advance(9_000);
    expect(expired).toEqual([]);
    clock.advance(1_000);
    expect(expired).toEqual(['a']);
  });

  it('do not come for what was deleted', () => {
    const { clock, expired, expiries } = create();
    expiries.set('a', 1_000);
    expiries.set('b', 1_000);
    expect([expiries.delete('a'), expiries.delete('a')]).toEqual([true, false]);
    clock.advance(2_000);
    expect(expired).toEqual(['b']);
  });

  it('may change what is still to come', () => {
    const clock = new FakeClock();
    const expired: string[] = [];
    const expiries: Expiries<string> = new Expiries(clock, (item) => {
      expired.push(item);
      expiries.delete('b');
      if (expired.length === 1) expiries.set('c', 1_000);
    });
    expiries.set('a', 1_000);
    expiries.set('b', 1_000);
    clock.advance(2_000);
    expect(expired).toEqual(['a', 'c']);
  });

  it('come no more once all are forgotten', () => {
    const { clock, expired, expiries } = create();
    expiries.set('a', 1_000);
    expiries.clear();
    expect(clock.pending).toEqual([]);
    clock.advance(5_000);
    expect(expired).toEqual([]);
  });
});
