import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { Patience, patience } from './patience.js';

function begin() {
  const clock = new FakeClock();
  const waits = new Patience(clock);
  /** Begins one that lasts until it is ended. */
  const wait = () => {
    let signal = new AbortController().signal;
    let end: () => void = () => undefined;
    const done = waits.wait(
      (given) =>
        new Promise<void>((resolve) => {
          signal = given;
          end = resolve;
        }),
    );
    const finish = () => {
      end();
      return done;
    };
    return { signal, end: finish };
  };
  return { clock, waits, wait };
}

describe('patience', () => {
  it('is at an end when a wait has lasted for long enough, or almost', () => {
    const { clock, wait } = begin();
    const first = wait();
    clock.advance(200);
    const second = wait();
    clock.advance(200);
    const third = wait();
    const ended = () => [first, second, third].map(({ signal }) => signal.aborted);
    clock.advance(patience - 401);
    expect(ended()).toEqual([false, false, false]);
    clock.advance(1);
    expect(ended()).toEqual([true, true, false]);
    clock.advance(399);
    expect(ended()).toEqual([true, true, false]);
    clock.advance(1);
    expect(ended()).toEqual([true, true, true]);
  });

  it('is one for waits that begin at about the same time, as long as one of them goes on', async () => {
    const { clock, wait } = begin();
    const [first, second] = [wait(), wait()];
    expect(second.signal).toBe(first.signal);
    await first.end();
    expect(wait().signal).toBe(second.signal);
    clock.advance(patience);
    expect(second.signal.aborted).toBe(true);
  });

  it('leaves nothing behind', async () => {
    const { clock, wait } = begin();
    const all = [wait(), wait()];
    for (const { end } of all) await end();
    expect(clock.pending).toEqual([]);
    const next = wait();
    expect(next.signal).not.toBe(all[0]?.signal);
    clock.advance(patience);
    expect([...all, next].map(({ signal }) => signal.aborted)).toEqual([false, false, true]);
  });

  it('is over at a stop, for those that come later, too', () => {
    const { waits, wait } = begin();
    const before = wait();
    waits.stop();
    expect([before, wait()].map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  it('ends with a wait that fails', async () => {
    const { clock, waits } = begin();
    await expect(waits.wait(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(clock.pending).toEqual([]);
  });
});
