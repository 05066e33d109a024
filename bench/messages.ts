import { parseArgs } from 'node:util';
import { account, type Running, type Transport, transports, withContestants } from './servers/contestants.js';
import { treeCpuSeconds } from './servers/process-tree.js';
import { type Swarm, startSwarm } from './servers/start-swarm.js';
import type { Load } from './servers/swarm.js';
import { median, printTable } from './table.js';

interface Settings {
  readonly pairs: number;
  readonly window: number;
  readonly rate: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** A server and a transport, with the sessions that talk over it. */
interface Row {
  readonly server: Running;
  readonly transport: Transport;
  readonly swarm: Swarm;
}

interface Sample {
  readonly rate: number;
  readonly p99: number;
  /** Seconds of the server's CPU for 1,000 messages. */
  readonly cpu: number;
  readonly clientBusy: number;
  /** Of the 99th percentile, at the fixed rate. */
  readonly pacedP99: number;
}

/**
 * Chat messages of 200 bytes between pairs of sessions; in alternating rounds, so that all servers meet the same machine.
 * `--pairs 50 --window 1 --rate 1000 --seconds 5 --rounds 3 --servers prosody,ejabberd,belfry`
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: 'string', default: '50' },
      window: { type: 'string', default: '1' },
      rate: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      servers: { type: 'string', default: 'prosody,ejabberd,belfry' },
    },
  });
  const settings = {
    pairs: Number(values.pairs),
    window: Number(values.window),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
  };
  await withContestants(values.servers.split(','), 4 * settings.pairs, async (starts) => {
    const closers: (() => Promise<void>)[] = [];
    try {
      const rows = await startRows(starts, settings, closers);
      print(settings, await measure(rows, settings));
    } finally {
      for (const close of closers.reverse()) await close();
    }
  });
}

async function startRows(
  starts: readonly (() => Promise<Running>)[],
  { pairs }: Settings,
  closers: (() => Promise<void>)[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const start of starts) {
    const server = await start();
    closers.push(() => server.stop());
    for (const [index, transport] of transports.entries()) {
      const swarm = startSwarm();
      closers.push(() => swarm.stop());
      const accounts = { first: index * 2 * pairs, count: 2 * pairs, ...account };
      const where = { port: server.portOf(transport), tls: transport === 'tls' };
      await swarm.ask({ ask: 'login', ...where, ...accounts, parallel: 10 }, 'done');
      rows.push({ server, transport, swarm });
    }
  }
  return rows;
}

async function measure(rows: readonly Row[], settings: Settings): Promise<Map<Row, Sample[]>> {
  const samples = new Map<Row, Sample[]>();
  for (const row of rows) await sampleOf(row, { ...settings, seconds: Math.min(2, settings.seconds) });
  for (let round = 0; round < settings.rounds; round++) {
    for (const row of rows) {
      samples.set(row, [...(samples.get(row) ?? []), await sampleOf(row, settings)]);
    }
  }
  return samples;
}

async function sampleOf({ server, swarm }: Row, { window, rate, seconds }: Settings): Promise<Sample> {
  const talk = (load: Load) => swarm.ask({ ask: 'talk', seconds, load }, 'talked');
  const paced = await talk({ rate });
  const before = treeCpuSeconds(server.pid);
  const talked = await talk({ window });
  const cpu = treeCpuSeconds(server.pid) - before;
  return {
    rate: talked.messages / talked.seconds,
    p99: talked.p99,
    cpu: (cpu / talked.messages) * 1000,
    clientBusy: talked.busy,
    pacedP99: paced.p99,
  };
}

function print(settings: Settings, samples: ReadonlyMap<Row, Sample[]>): void {
  const rows = [...samples].map(([row, own]) => {
    const of = (field: keyof Sample) => median(own.map((sample) => sample[field]));
    return {
      ...{ name: row.server.name, transport: row.transport, rate: of('rate'), p99: of('p99') },
      ...{ cpu: of('cpu'), clientBusy: of('clientBusy'), pacedP99: of('pacedP99') },
    };
  });
  const lines = rows.map((row) => {
    const peers = rows.filter(({ name, transport }) => name !== 'belfry' && transport === row.transport);
    const best = (of: (peer: (typeof rows)[number]) => number) =>
      row.name !== 'belfry' || peers.length === 0 ? '–' : (of(row) / Math.max(...peers.map(of))).toFixed(2);
    return [
      ...[row.name, row.transport, row.rate.toFixed(0), best((peer) => peer.rate)],
      ...[row.p99.toFixed(1), row.cpu.toFixed(3), best((peer) => 1 / peer.cpu)],
      ...[row.pacedP99.toFixed(1), `${(row.clientBusy * 100).toFixed(0)} %`],
    ];
  });
  const { pairs, window, rate } = settings;
  const heads = [
    [
      'server',
      'transport',
      'messages/s',
      '× better peer',
      'p99 ms',
      'server CPU s/1000',
      '× better peer per CPU',
    ],
    [`p99 ms at ${rate}/s`, 'client CPU'],
  ].flat();
  printTable(`${pairs} pairs, ${window} message(s) under way in each, 200 bytes; medians`, heads, lines);
}
