import { cpuSeconds, mainThreadSeconds } from '../cpu.js';
import type { Rounds } from '../rounds.js';
import type { Contender } from './contender.js';

/** What a message costs, in microseconds; CPU is that of this process. */
export interface Sample {
  readonly rate: number;
  readonly cpu: number;
  readonly mainThread: number;
  /** Share of a core that another process has used. */
  readonly otherBusy: number;
}

export interface Load extends Rounds {
  /** Messages under way at once. */
  readonly parallel: number;
}

/** Acts in a closed loop: as soon as one message is done, the next one begins. `other`: pid of a process to look at as well. */
export async function underLoad(contender: Contender, load: Load, other?: number): Promise<Sample> {
  const before = usage(other);
  const until = performance.now() + load.seconds * 1000;
  let n = 0;
  const loop = async () => {
    while (performance.now() < until) await contender.act(n++);
  };
  await Promise.all(Array.from({ length: load.parallel }, loop));
  const after = usage(other);
  const seconds = after.at - before.at;
  return {
    rate: n / seconds,
    cpu: ((after.own - before.own) * 1e6) / n,
    mainThread: ((after.mainThread - before.mainThread) * 1e6) / n,
    otherBusy: (after.other - before.other) / seconds,
  };
}

function usage(other: number | undefined) {
  return {
    at: performance.now() / 1000,
    own: cpuSeconds(process.pid),
    mainThread: mainThreadSeconds(process.pid),
    other: other === undefined ? 0 : cpuSeconds(other),
  };
}
