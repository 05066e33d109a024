import { answerScenarios } from './answers.js';
import { kindScenarios } from './kinds.js';
import { lastingScenarios } from './lasting.js';
import { libraryScenarios } from './libraries.js';
import type { Play } from './play.js';
import { registrationScenarios } from './registration.js';
import { roomScenarios } from './rooms.js';
import type { Scenario } from './scenario.js';
import { shortSleep, shortSleepScenarios } from './short-sleep.js';
import { sleepingScenarios } from './sleeping.js';
import { taciturn, taciturnScenarios, talkative, talkativeScenarios } from './talkative.js';

/** Scenarios for one server, and what that is told. */
export interface Suite extends Pick<Play, 'settings' | 'isTalkative'> {
  readonly title: string;
  readonly scenarios: readonly Scenario[];
}

/** For a server as it is by default; what takes long first. */
export const defaultSuite: Suite = {
  title: 'as it is by default',
  scenarios: [
    ...answerScenarios,
    ...libraryScenarios,
    ...registrationScenarios,
    ...sleepingScenarios,
    ...kindScenarios,
    ...roomScenarios,
    ...lastingScenarios,
  ],
};

/** Every scenario. */
export const suites: readonly Suite[] = [
  defaultSuite,
  {
    title: 'that tells all, and has sessions that do not wait long',
    scenarios: [...shortSleepScenarios, ...talkativeScenarios],
    settings: { ...shortSleep, ...talkative },
    isTalkative: true,
  },
  { title: 'with an empty text for important pushes', scenarios: taciturnScenarios, settings: taciturn },
];
