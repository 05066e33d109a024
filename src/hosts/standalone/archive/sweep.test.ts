import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../tests/harness/fake-clock.js';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { ArchiveSweeper } from './sweep.js';

const day = 24 * 3600;

/** Lets promises that are done go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

/** A store of so many old messages. */
function setUp(old: number, expiresAfter = 30 * day) {
  const clock = new FakeClock();
  const { events, recorded } = recordingEvents();
  const asked: number[] = [];
  const state = { old, failure: undefined as Error | undefined, asked };
  const settings = { archive: { defaultPolicy: 'always' as const, expiresAfter, maxQueryResults: 50 } };
  const sweeper = new ArchiveSweeper({
    store: {
      expire: async (beforeId, limit) => {
        asked.push(beforeId);
        if (state.failure !== undefined) throw state.failure;
        const went = Math.min(limit, state.old);
        state.old -= went;
        return went;
      },
    },
    settings,
    events,
    clock,
    now: () => 100 * day * 1000 + 123,
  });
  return { sweeper, clock, recorded, state, settings };
}

describe('ArchiveSweeper', () => {
  it('removes what is too old at the start, some at a time with pauses, and says how much went', async () => {
    const { sweeper, clock, recorded, state } = setUp(1_200);
    sweeper.start();
    await settle();
    expect(state.old).toBe(700);
    expect(recorded).toEqual([]);
    for (let n = 0; n < 2; n++) {
      clock.advance(50);
      await settle();
    }
    expect(state.old).toBe(0);
    expect(state.asked).toEqual(Array(3).fill((70 * day * 1000 + 123) * 1000));
    expect(recorded).toEqual([{ name: 'swept', what: 'archive', rows: 1_200 }]);
    await sweeper.stop();
  });

  it('comes again every hour, with the setting of that time', async () => {
    const { sweeper, clock, recorded, state, settings } = setUp(10, 0);
    sweeper.start();
    await settle();
    expect(state.asked).toEqual([]);
    settings.archive.expiresAfter = day;
    clock.advance(3_600_000);
    await settle();
    expect(recorded).toEqual([{ name: 'swept', what: 'archive', rows: 10 }]);
    clock.advance(3_600_000);
    await settle();
    expect(state.asked).toHaveLength(2);
    expect(recorded).toHaveLength(1);
    await sweeper.stop();
  });

  it('reports a failure, and tries again', async () => {
    const { sweeper, clock, recorded, state } = setUp(10);
    state.failure = new Error('disk full');
    sweeper.start();
    await settle();
    expect(recorded).toEqual([{ name: 'storageFailed', what: 'sweep of archive', error: state.failure }]);
    state.failure = undefined;
    clock.advance(3_600_000);
    await settle();
    expect(state.old).toBe(0);
    await sweeper.stop();
  });

  it('stops between two steps, and waits for nothing', async () => {
    const { sweeper, state, recorded } = setUp(5_000);
    sweeper.start();
    await settle();
    await sweeper.stop();
    expect(state.old).toBe(4_500);
    expect(recorded).toEqual([{ name: 'swept', what: 'archive', rows: 500 }]);
  });

  it('that never began can be stopped', async () => {
    await setUp(0).sweeper.stop();
  });
});
