import { answerScenarios } from './answers.js';
import { kindScenarios } from './kinds.js';
import { libraryScenarios } from './libraries.js';
import { registrationScenarios } from './registration.js';
import { roomScenarios } from './rooms.js';
import type { Scenario } from './scenario.js';
import { sleepingScenarios } from './sleeping.js';

/** What every server is asked that is told nothing but what is as it is without a word; what takes long first. */
export const scenarios: readonly Scenario[] = [
  ...answerScenarios,
  ...libraryScenarios,
  ...registrationScenarios,
  ...sleepingScenarios,
  ...kindScenarios,
  ...roomScenarios,
];
