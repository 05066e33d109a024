import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Ask, asker } from '../ask.js';
import type { SwarmAnswer, SwarmQuestion } from './swarm.js';

/** Client sessions in a process of their own. */
export interface Swarm {
  readonly ask: Ask<SwarmQuestion, SwarmAnswer>;
  stop(): Promise<void>;
}

export function startSwarm(): Swarm {
  const child = fork(new URL('./swarm.ts', import.meta.url));
  return {
    ask: asker<SwarmQuestion, SwarmAnswer>(child),
    async stop() {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
