import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Ask, asker } from '../ask.js';
import type { PhonesAnswer, PhonesQuestion } from './phones.js';
import type { SleepersAnswer, SleepersQuestion } from './sleepers.js';
import type { SwarmAnswer, SwarmQuestion } from './swarm.js';

/** Clients in a process of their own. */
interface Clients<Question, Answer extends { readonly kind: string }> {
  readonly ask: Ask<Question, Answer>;
  stop(): Promise<void>;
}

/** Sessions that talk. */
export type Swarm = Clients<SwarmQuestion, SwarmAnswer>;
/** Sessions that sleep and wake up. */
export type Sleepers = Clients<SleepersQuestion, SleepersAnswer>;
/** Sessions that sleep and of which an app server is told. */
export type Phones = Clients<PhonesQuestion, PhonesAnswer>;

export const startSwarm = (): Swarm => start('./swarm.ts');
export const startSleepers = (): Sleepers => start('./sleepers.ts');
export const startPhones = (): Phones => start('./phones.ts');

function start<Question extends object, Answer extends { readonly kind: string }>(
  program: string,
): Clients<Question, Answer> {
  const child = fork(new URL(program, import.meta.url));
  return {
    ask: asker<Question, Answer>(child),
    async stop() {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
