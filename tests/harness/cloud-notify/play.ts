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
  /** Whether the scenarios disturb each other. */
  readonly isOneByOne?: boolean;
}

/** A suite in which all scenarios are played on one server, at once if they can be; it ends with a look at everything that was pushed. */
export function playScenarios(title: string, scenarios: readonly Scenario[], play: Play): void {
  const { start, settings = {}, isTalkative = false, has = [], isProsody, isOneByOne = false } = play;
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

    for (const scenario of scenarios.filter(({ needs }) => needs === undefined || has.includes(needs))) {
      const test = isOneByOne ? it : it.concurrent;
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
