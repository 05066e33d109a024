import { scenarios } from './all-scenarios.js';
import { restartScenarios } from './lasting.js';
import type { Play } from './play.js';
import type { Scenario } from './scenario.js';
import { shortSleep, shortSleepScenarios } from './short-sleep.js';
import { taciturn, taciturnScenarios, talkative, talkativeScenarios } from './talkative.js';

/** Scenarios for one server, and what that is told. */
export interface Suite extends Pick<Play, 'settings' | 'isTalkative' | 'isOneByOne'> {
  readonly title: string;
  readonly scenarios: readonly Scenario[];
}

/** Every scenario. */
export const suites: readonly Suite[] = [
  { title: 'as it is by default', scenarios },
  { title: 'that is started anew', scenarios: restartScenarios, isOneByOne: true },
  { title: 'with sessions that do not wait long', scenarios: shortSleepScenarios, settings: shortSleep },
  { title: 'that tells all', scenarios: talkativeScenarios, settings: talkative, isTalkative: true },
  { title: 'with an empty text for important pushes', scenarios: taciturnScenarios, settings: taciturn },
];
