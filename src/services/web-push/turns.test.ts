import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../tests/harness/fake-clock.js';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import { Turns } from './turns.js';

/** Looks into a store that always has more; each takes so many milliseconds. Answers when they began. */
async function looksOf(taken: number, duration: number): Promise<number[]> {
  const clock = new FakeClock();
  const begun: number[] = [];
  const turns = new Turns({
    store: { expire: async () => 0, count: async () => 0 },
    isAlone: true,
    room: () => 1_000,
    claim: async (_, limit) => {
      begun.push(clock.now());
      if (taken > 0) await new Promise<void>((resolve) => clock.after(taken, resolve));
      return limit;
    },
    nextDue: async () => undefined,
    clock,
    now: () => clock.now(),
    events: recordingEvents().events,
  });
  const start = clock.now();
  const started = turns.start();
  for (let passed = 0; passed < duration; passed += 5) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5);
  }
  await started;
  const stopped = turns.stop();
  clock.advance(taken);
  await stopped;
  return begun.map((at) => at - start);
}

describe('Turns', () => {
  it('look again soon while there is more, if a look takes no time', async () => {
    expect(await looksOf(0, 95)).toEqual([0, 25, 50, 75]);
  });

  it('rest the longer the more time a look takes, but not without end', async () => {
    const [, second] = await looksOf(50, 600);
    expect(second).toBeGreaterThanOrEqual(550);
    const [, next] = await looksOf(2_000, 8_000);
    expect(next).toBeGreaterThanOrEqual(7_000);
    expect(next).toBeLessThan(7_100);
  });
});
