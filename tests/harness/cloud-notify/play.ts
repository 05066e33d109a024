import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Need, Scenario } from './scenario.js';
import { Cast, Stage } from './stage.js';
import { mark, type PushSettings, type PushWorld } from './world.js';

/** How a suite plays its scenarios. */
export interface Play {
  readonly start: (settings: PushSettings) => Promise<PushWorld>;
  readonly settings?: PushSettings;
  /** Whether publishes may tell what messages say and who has sent them. */
  readonly isTalkative?: boolean;
  readonly has?: readonly Need[];
  readonly isProsody: boolean;
}

/** A suite in which all scenarios are played on one server, at once unless they disturb each other; it ends with a look at everything that was pushed. */
export function playScenarios(title: string, scenarios: readonly Scenario[], play: Play): void {
  const { start, settings = {}, isTalkative = false, has = [], isProsody } = play;
  describe(title, () => {
    let world: PushWorld | undefined;
    let cast: Cast;
    beforeAll(async () => {
      world = await start(settings);
      cast = new Cast(world);
    });
    afterAll(async () => {
      const publishes = world?.appServer.publishes ?? [];
      await cast?.leave();
      await world?.close();
      if (!isTalkative) expect(publishes.filter(({ raw }) => raw.includes(mark))).toEqual([]);
    });

    const playable = scenarios.filter(({ needs }) => needs === undefined || has.includes(needs));
    // Those at the end, for tests that run at once are those that follow on each other.
    playable.sort((one, other) => Number(one.isAlone ?? false) - Number(other.isAlone ?? false));
    for (const scenario of playable) {
      const test = scenario.isAlone === true ? it : it.concurrent;
      test(scenario.name, async ({ expect }) => {
        const stage = await Stage.build(cast);
        try {
          const { expected, prosody } = scenario;
          const result = await scenario.run(stage);
          expect(result).toEqual(isProsody && prosody !== undefined ? prosody.does : expected);
        } finally {
          stage.close();
        }
      });
    }
  });
}
