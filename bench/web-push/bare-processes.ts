import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { BareWork } from './bare-process.js';
import type { Contender } from './contender.js';

interface Helper {
  readonly child: ChildProcess;
  /** Who waits for the batches that it has. */
  readonly batches: (readonly (() => void)[])[];
}

/** The least that node:crypto has to do, in so many processes at once: what all cores together can give. */
export function bareProcesses(count: number, work: BareWork): Contender {
  const helpers = Array.from({ length: count }, () => startHelper(work));
  let waiting: (() => void)[] = [];
  /** All that were asked for meanwhile at once, so that the telling costs next to nothing. */
  const flush = () => {
    handOver(helpers, waiting);
    waiting = [];
  };
  return {
    name: `bare node:crypto, processes: ${count}`,
    act: () =>
      new Promise<void>((resolve) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push(resolve);
      }),
    async stop() {
      const ended = helpers.map(({ child }) => once(child, 'exit'));
      for (const { child } of helpers) child.disconnect();
      await Promise.all(ended);
    },
  };
}

function startHelper(work: BareWork): Helper {
  const child = fork(new URL('bare-process.ts', import.meta.url), { serialization: 'advanced' });
  const helper: Helper = { child, batches: [] };
  child.on('message', () => {
    for (const done of helper.batches.shift() ?? []) done();
  });
  child.send(work);
  return helper;
}

/** A share to each, the first to whoever has least to do. */
function handOver(helpers: readonly Helper[], waiting: readonly (() => void)[]): void {
  const idlestFirst = [...helpers].sort((a, b) => a.batches.length - b.batches.length);
  const share = Math.ceil(waiting.length / helpers.length);
  for (const [i, { child, batches }] of idlestFirst.entries()) {
    const batch = waiting.slice(i * share, (i + 1) * share);
    if (batch.length === 0) continue;
    batches.push(batch);
    child.send(batch.length);
  }
}
