import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureInRounds } from './rounds.js';
import type { PushServiceAddress } from './servers/push-service.js';
import { median, printTable } from './table.js';
import type { Contender } from './web-push/contender.js';
import { encryptingContenders } from './web-push/encrypting.js';
import { type Load, type Sample, underLoad } from './web-push/load.js';
import { sendingContenders } from './web-push/sending.js';

/**
 * Web Push messages: encrypted and signed, and sent to a push service in another process, beside the package `web-push`.
 * `--parallel 100 --bytes 400 --threads 0,1 --seconds 2 --rounds 5`
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      parallel: { type: 'string', default: '100' },
      bytes: { type: 'string', default: '400' },
      threads: { type: 'string', default: `0,${Math.max(1, availableParallelism() - 1)}` },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const bytes = Number(values.bytes);
  const threads = values.threads.split(',').map(Number);
  const load = {
    parallel: Number(values.parallel),
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
  };
  print(
    `${bytes} bytes encrypted and signed`,
    load,
    await compare(encryptingContenders(bytes, threads), load),
  );
  await withPushService(async (address, pid) => {
    const contenders = await sendingContenders(address, { bytes, threads, parallel: load.parallel });
    process.stdout.write('\n');
    print(`${bytes} bytes encrypted, signed and sent`, load, await compare(contenders, load, pid), true);
  });
}

async function compare(
  contenders: readonly Contender[],
  load: Load,
  pid?: number,
): Promise<Map<Contender, Sample[]>> {
  try {
    return await measureInRounds(contenders, load, (contender, settings) =>
      underLoad(contender, settings, pid),
    );
  } finally {
    await Promise.all(contenders.map(({ stop }) => stop?.()));
  }
}

async function withPushService(use: (address: PushServiceAddress, pid: number) => Promise<void>) {
  const child = fork(new URL('servers/push-service.ts', import.meta.url));
  const ended = once(child, 'exit').then((): never => {
    throw new Error('the push service did not start');
  });
  ended.catch(() => undefined);
  try {
    const [address]: PushServiceAddress[] = await Promise.race([once(child, 'message'), ended]);
    if (address === undefined) throw new Error('the push service did not say where it listens');
    await use(address, child.pid ?? 0);
  } finally {
    child.disconnect();
  }
}

function print(
  what: string,
  load: Load,
  samples: ReadonlyMap<Contender, readonly Sample[]>,
  hasService = false,
): void {
  const middle = (of: readonly Sample[], figure: keyof Sample) => median(of.map((sample) => sample[figure]));
  const rateOf = (wanted: string) =>
    [...samples].filter(([{ name }]) => name.startsWith(wanted)).map(([, of]) => middle(of, 'rate'))[0] ??
    Number.NaN;
  const rows = [...samples].map(([{ name }, of]) => [
    name,
    middle(of, 'rate').toFixed(0),
    (middle(of, 'rate') / rateOf('bare')).toFixed(2),
    (middle(of, 'rate') / rateOf('web-push')).toFixed(2),
    middle(of, 'cpu').toFixed(0),
    middle(of, 'mainThread').toFixed(0),
    ...(hasService ? [`${(middle(of, 'otherBusy') * 100).toFixed(0)} %`] : []),
  ]);
  const service = hasService ? ['push service CPU'] : [];
  printTable(
    `${what}, ${load.parallel} at once; medians of ${load.rounds} rounds`,
    ['', 'messages/s', '× bare', '× web-push', 'CPU µs', 'main thread µs', ...service],
    rows,
  );
}
