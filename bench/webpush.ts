import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureInRounds } from './rounds.js';
import { withPushService } from './servers/start-push-service.js';
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
  await withPushService(async (service) => {
    const contenders = await sendingContenders(service, { bytes, threads, parallel: load.parallel });
    process.stdout.write('\n');
    print(
      `${bytes} bytes encrypted, signed and sent`,
      load,
      await compare(contenders, load, service.pid),
      true,
    );
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
