import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { busy, delivered, rejected, retryAfter, unreachable } from '../../../tests/harness/web-push-stage.js';
import { type Step, World } from '../../../tests/harness/web-push-world.js';
import type { SendOutcome } from '../../web-push/request.js';

const index = fc.integer({ min: 0, max: 2 });
const step = (mayKill: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('push' as const),
        by: fc.nat(1),
        to: index,
        topic: index,
        sender: fc.nat(1),
        later: fc.constantFrom(undefined, undefined, undefined, 0, 2_000, 30_000),
        isSealed: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('withdraw' as const),
        by: fc.nat(1),
        to: index,
        sender: fc.nat(1),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        milliseconds: fc.constantFrom(0, 1, 50, 1_000, 3_000, 40_000),
      }),
    },
    { weight: mayKill ? 1 : 0, arbitrary: fc.record({ kind: fc.constant('kill' as const), by: fc.nat(1) }) },
  );

/** How a request ends, and how many milliseconds later. */
const answer = fc.record({
  outcome: fc.constantFrom<SendOutcome>(
    delivered,
    delivered,
    rejected,
    busy,
    busy,
    retryAfter(3),
    unreachable,
  ),
  delay: fc.constantFrom(0, 0, 1, 500, 9_000),
});

function expectNothingLost(world: World): void {
  for (const fate of world.fates.values()) {
    if (fate.outcome?.kind !== 'queued' || fate.isUnwanted || world.isSuperseded(fate)) continue;
    expect(fate.final, `${fate.text} was queued`).toBeGreaterThan(0);
  }
  expect(world.early.map(({ text }) => text)).toEqual([]);
}

const steps = (mayKill: boolean) => fc.array(step(mayKill), { minLength: 1, maxLength: 40 });
const delays = fc.array(fc.nat(5), { maxLength: 12 });
const answers = fc.array(answer, { maxLength: 40 });
const failures = fc.array(fc.constantFrom(0, 0, 0, 0, 1, 2), { maxLength: 60 });

describe('whatever happens', () => {
  it('and however slow the store is: nothing is lost, nothing comes twice, too late or after a newer one', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), answers, delays, async (script, outcomes, turns) => {
        const world = new World({ answers: outcomes, delays: turns, failures: [] });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        for (const fate of world.fates.values()) {
          expect(fate.outcome, fate.text).toBeDefined();
          expect(fate.final, `final answers of ${fate.text}`).toBeLessThanOrEqual(1);
          const { withdrawnAt = Number.POSITIVE_INFINITY } = fate;
          expect(
            fate.begun.filter((at) => at >= withdrawnAt),
            `${fate.text} after its withdrawal`,
          ).toEqual([]);
        }
        const newest = new Map<string, number>();
        for (const { endpoint, topic, reference, number, text } of world.deliveries) {
          if (topic === undefined) continue;
          const key = `${endpoint} ${topic} ${reference}`;
          expect(newest.get(key) ?? -1, `delivered before ${text}`).toBeLessThan(number);
          newest.set(key, number);
        }
        expect([...world.memory.rows.values()]).toEqual([]);
        expect(world.problems).toEqual([]);
      }),
      { numRuns: 120 },
    );
  });

  it('and wherever the store fails: nothing is lost, and nothing comes again that was answered', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), answers, delays, failures, async (script, outcomes, turns, fails) => {
        const world = new World({ answers: outcomes, delays: turns, failures: fails });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        for (const { text, final } of world.fates.values()) {
          expect(final, `final answers of ${text}`).toBeLessThanOrEqual(1);
        }
        expect([...world.memory.rows.values()]).toEqual([]);
        expect(world.problems).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('and whenever the process is killed: what it has acknowledged arrives', async () => {
    await fc.assert(
      fc.asyncProperty(steps(true), answers, delays, failures, async (script, outcomes, turns, fails) => {
        const world = new World({ answers: outcomes, delays: turns, failures: fails });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        expect([...world.memory.rows.values()]).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('and whenever it is stopped: all that it has not delivered is in the store, and due', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), answers, delays, async (script, outcomes, turns) => {
        const world = new World({ answers: outcomes, delays: turns, failures: [] });
        await world.play(script);
        let isStopped = false;
        void world
          .stage()
          .webPush.stop()
          .then(() => {
            isStopped = true;
          });
        for (let part = 0; part < 40; part++) await world.stage().pass(250);
        expect(isStopped).toBe(true);
        const inStore = new Set(
          [...world.memory.rows.values()].map(({ body }) => Buffer.from(body).toString()),
        );
        expect([...world.memory.rows.values()].filter(({ isClaimed }) => isClaimed)).toEqual([]);
        for (const fate of world.fates.values()) {
          expect(fate.outcome, fate.text).toBeDefined();
          if (fate.outcome?.kind !== 'queued' || fate.isUnwanted) continue;
          if (fate.final > 0 || world.isSuperseded(fate)) continue;
          expect(inStore, fate.text).toContain(fate.text);
        }
        expect(world.clock.pending.filter((delay) => delay > 9_000)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('and however many processes work on the store: nothing is lost, nothing comes twice', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), answers, delays, async (script, outcomes, turns) => {
        const world = new World({ answers: outcomes, delays: turns, failures: [], processes: 2 });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        for (const { text, outcome, final } of world.fates.values()) {
          expect(outcome, text).toBeDefined();
          expect(final, `final answers of ${text}`).toBeLessThanOrEqual(1);
        }
        expect([...world.memory.rows.values()]).toEqual([]);
        expect(world.problems).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('and whichever of several processes is killed: what it has acknowledged arrives', async () => {
    await fc.assert(
      fc.asyncProperty(steps(true), answers, delays, failures, async (script, outcomes, turns, fails) => {
        const world = new World({ answers: outcomes, delays: turns, failures: fails, processes: 2 });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        expect([...world.memory.rows.values()]).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
