import { rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '../tests/harness/xmpp-server.js';
import { cpuSeconds, mainThreadSeconds } from './cpu.js';
import { measureForged } from './gateway/forged.js';
import { gatewayContender, type Publisher } from './gateway/publishing.js';
import { measureInRounds, type Rounds } from './rounds.js';
import { createLatencies } from './servers/latencies.js';
import { type RunningPushService, withPushService } from './servers/start-push-service.js';
import { median, printTable } from './table.js';
import { senderContender } from './web-push/sending.js';

interface Load extends Rounds {
  /** Publishes under way at once. */
  readonly parallel: number;
}

/** Times in microseconds of CPU for one publish; shares of a core. */
interface Sample {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
  readonly mainThread: number;
  readonly driverBusy: number;
  readonly serviceBusy: number;
  /** Publishes that were accepted, and that the push service has not got. */
  readonly lost: number;
}

/**
 * Publishes (XEP-0357) through the gateway to a push service, beside the sender alone; and forged ones, which it refuses, beside
 * the XML parser alone. `--parallel 100 --recipients 1000 --seconds 3 --rounds 5`
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      parallel: { type: 'string', default: '100' },
      recipients: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const rounds = { seconds: Number(values.seconds), rounds: Number(values.rounds) };
  const load = { ...rounds, parallel: Number(values.parallel) };
  const samples = await withPushService((service) => compare(service, load, Number(values.recipients)));
  print(load, samples);
  process.stdout.write('\n');
  await measureForged(rounds);
  if ([...samples.values()].flat().some(({ lost }) => lost > 0)) process.exitCode = 1;
}

async function compare(
  service: RunningPushService,
  load: Load,
  recipients: number,
): Promise<Map<Publisher, Sample[]>> {
  const folder = await temporaryFolder('bench');
  const rows: Publisher[] = [];
  try {
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, service.ca);
    const workers = availableParallelism() - 1;
    // What the gateway's payloads are filled up to.
    const sender = senderContender(service, { bytes: 256, workers, recipients });
    rows.push({ ...sender, pid: process.pid });
    rows.push(await gatewayContender(service, { recipients, ca }));
    return await measureInRounds(rows, load, (row, settings) => sampleOf(row, settings, service));
  } finally {
    for (const { stop } of rows) await stop?.();
    await rm(folder, { recursive: true });
  }
}

/** In a closed loop: as soon as one is answered, the next one goes out. */
async function sampleOf(row: Publisher, load: Load, service: RunningPushService): Promise<Sample> {
  const latencies = createLatencies();
  const answeredBefore = await service.answered();
  const before = usage(row.pid, service.pid);
  const until = performance.now() + load.seconds * 1000;
  let n = 0;
  const loop = async () => {
    while (performance.now() < until) {
      const start = performance.now();
      await row.act(n++);
      latencies.record(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: load.parallel }, loop));
  const after = usage(row.pid, service.pid);
  const seconds = after.at - before.at;
  return {
    rate: n / seconds,
    p50: latencies.percentile(50),
    p99: latencies.percentile(99),
    cpu: ((after.worker - before.worker) * 1e6) / n,
    mainThread: ((after.mainThread - before.mainThread) * 1e6) / n,
    driverBusy: (after.driver - before.driver) / seconds,
    serviceBusy: (after.service - before.service) / seconds,
    lost: answeredBefore + n - (await service.answered()),
  };
}

function usage(worker: number, service: number) {
  return {
    at: performance.now() / 1000,
    worker: cpuSeconds(worker),
    mainThread: mainThreadSeconds(worker),
    driver: cpuSeconds(process.pid),
    service: cpuSeconds(service),
  };
}

function print(load: Load, samples: ReadonlyMap<Publisher, readonly Sample[]>): void {
  const middle = (of: readonly Sample[], figure: keyof Sample) => median(of.map((sample) => sample[figure]));
  const [alone = []] = samples.values();
  const rows = [...samples].map(([{ name, pid }, of]) => [
    name,
    middle(of, 'rate').toFixed(0),
    (middle(of, 'rate') / middle(alone, 'rate')).toFixed(2),
    middle(of, 'p50').toFixed(1),
    middle(of, 'p99').toFixed(1),
    middle(of, 'cpu').toFixed(0),
    (middle(alone, 'cpu') / middle(of, 'cpu')).toFixed(2),
    middle(of, 'mainThread').toFixed(0),
    pid === process.pid ? '–' : percent(middle(of, 'driverBusy')),
    percent(middle(of, 'serviceBusy')),
    String(of.reduce((sum, { lost }) => sum + lost, 0)),
  ]);
  printTable(
    `${load.parallel} publishes at once; medians of ${load.rounds} rounds`,
    [
      ...['', 'publishes/s', '× sender', 'p50 ms', 'p99 ms', 'CPU µs', '× sender per CPU', 'main thread µs'],
      ...['server CPU', 'push service CPU', 'accepted but lost'],
    ],
    rows,
  );
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
