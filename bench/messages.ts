import { parseArgs } from 'node:util';
import { measureInRounds, type Rounds } from './rounds.js';
import {
  account,
  type Running,
  type Service,
  services,
  type Transport,
  transports,
  withContestants,
} from './servers/contestants.js';
import { treeCpuSeconds } from './servers/process-tree.js';
import { type Swarm, startSwarm } from './servers/start-swarm.js';
import type { Load } from './servers/swarm.js';
import { median, printTable } from './table.js';

interface Settings extends Rounds {
  readonly transports: readonly Transport[];
  readonly pairs: number;
  readonly window: number;
  /** Messages a second of the paced part; fewer where they are archived, so that each server can carry them. */
  readonly rate: Readonly<Record<Service, number>>;
}

/** A server and a transport, with the sessions that talk over it. */
interface Row {
  readonly server: Running;
  readonly transport: Transport;
  readonly swarm: Swarm;
}

interface Sample {
  /** Messages delivered in a second. */
  readonly rate: number;
  /** Messages acknowledged in a second. */
  readonly acknowledged: number;
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds until the acknowledgement, of the 99th percentile. */
  readonly acknowledgedP99: number;
  /** Seconds of the server's CPU for 1,000 messages. */
  readonly cpu: number;
  readonly clientBusy: number;
  /** Of the 99th percentile, at the fixed rate. */
  readonly pacedP99: number;
}

/** What was found of a row: medians, and what its archives should hold and do not. */
interface Result extends Sample {
  readonly row: Row;
  readonly missing: number;
}

/**
 * Chat messages of 200 bytes between pairs of sessions; in alternating rounds, so that all servers meet the same machine.
 * `--pairs 50 --window 1 --rate 1000 --lasting-rate 100 --seconds 2 --rounds 3 --servers prosody,ejabberd,belfry
 * --transports plain,tls --services passing,lasting`
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: 'string', default: '50' },
      window: { type: 'string', default: '1' },
      rate: { type: 'string', default: '1000' },
      'lasting-rate': { type: 'string', default: '100' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      servers: { type: 'string', default: 'prosody,ejabberd,belfry' },
      transports: { type: 'string', default: transports.join() },
      services: { type: 'string', default: 'passing,lasting' },
    },
  });
  const passing = Number(values.rate);
  const settings: Settings = {
    transports: transports.filter((transport) => values.transports.split(',').includes(transport)),
    pairs: Number(values.pairs),
    window: Number(values.window),
    rate: { passing, managed: passing, lasting: Number(values['lasting-rate']) },
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
  };
  const wanted = {
    servers: values.servers.split(','),
    services: services.filter((service) => values.services.split(',').includes(service)),
    accounts: 4 * settings.pairs,
  };
  await withContestants(wanted, async (starts) => {
    const closers: (() => Promise<void>)[] = [];
    try {
      const rows = await startRows(starts, settings, closers);
      const samples = await measureInRounds(rows, settings, sampleOf);
      const results: Result[] = [];
      for (const row of rows) results.push(await resultOf(row, samples.get(row) ?? []));
      for (const service of wanted.services) print(settings, service, results);
      if (results.some(({ missing }) => missing > 0)) process.exitCode = 1;
    } finally {
      for (const close of closers.reverse()) await close();
    }
  });
}

async function startRows(
  starts: readonly (() => Promise<Running>)[],
  settings: Settings,
  closers: (() => Promise<void>)[],
): Promise<Row[]> {
  const rows: Row[] = [];
  const count = 2 * settings.pairs;
  for (const start of starts) {
    const server = await start();
    closers.push(() => server.stop());
    for (const [index, transport] of settings.transports.entries()) {
      const swarm = startSwarm();
      closers.push(() => swarm.stop());
      const where = { port: server.portOf(transport), tls: transport === 'tls' };
      const sessions = { first: index * count, count, ...account, isManaged: server.service !== 'passing' };
      await swarm.ask({ ask: 'login', ...where, ...sessions, parallel: 10 }, 'done');
      rows.push({ server, transport, swarm });
    }
  }
  return rows;
}

async function sampleOf({ server, swarm }: Row, { window, rate, seconds }: Settings): Promise<Sample> {
  const talk = (load: Load, lasts: number) => swarm.ask({ ask: 'talk', seconds: lasts, load }, 'talked');
  const paced = await talk({ rate: rate[server.service] }, seconds / 2);
  const before = treeCpuSeconds(server.pid);
  const talked = await talk({ window }, seconds);
  const cpu = treeCpuSeconds(server.pid) - before;
  const { p50, p99, acknowledgedP99, busy: clientBusy } = talked;
  return {
    ...{ p50, p99, acknowledgedP99, clientBusy },
    rate: talked.messages / talked.seconds,
    acknowledged: talked.acknowledged / talked.seconds,
    cpu: (cpu / talked.messages) * 1000,
    pacedP99: paced.p99,
  };
}

async function resultOf(row: Row, samples: readonly Sample[]): Promise<Result> {
  const of = (field: keyof Sample) => median(samples.map((sample) => sample[field]));
  const { missing } =
    row.server.service === 'lasting'
      ? await row.swarm.ask({ ask: 'checkArchives' }, 'archives')
      : { missing: 0 };
  return {
    ...{ row, missing, rate: of('rate'), acknowledged: of('acknowledged'), cpu: of('cpu') },
    ...{ p50: of('p50'), p99: of('p99'), acknowledgedP99: of('acknowledgedP99') },
    ...{ clientBusy: of('clientBusy'), pacedP99: of('pacedP99') },
  };
}

function print({ pairs, window, rate }: Settings, service: Service, all: readonly Result[]): void {
  const results = all.filter(({ row }) => row.server.service === service);
  const columns: readonly (readonly [string, (result: Result) => string])[] = [
    ['server', ({ row }) => row.server.name],
    ...(service === 'lasting' ? [archive] : []),
    ['transport', ({ row }) => row.transport],
    ['messages/s', (result) => result.rate.toFixed(0)],
    ...ratios(results, '', (result) => result.rate),
    ['p50 ms', (result) => result.p50.toFixed(1)],
    ['p99 ms', (result) => result.p99.toFixed(1)],
    ...(service === 'passing' ? [] : acknowledgement),
    ['server CPU s/1000', (result) => result.cpu.toFixed(3)],
    ...ratios(results, ' per CPU', (result) => 1 / result.cpu),
    [`p99 ms at ${rate[service]}/s`, (result) => result.pacedP99.toFixed(1)],
    ['client CPU', (result) => `${(result.clientBusy * 100).toFixed(0)} %`],
    ...(service === 'lasting' ? [lost] : []),
  ];
  printTable(
    `${titles[service]}; ${pairs} pairs, ${window} message(s) under way in each, 200 bytes; medians`,
    columns.map(([head]) => head),
    results.map((result) => columns.map(([, cell]) => cell(result))),
  );
  process.stdout.write('\n');
}

type Column = readonly [string, (result: Result) => string];

const titles = {
  passing: 'messages pass through',
  managed: 'carbons and stream management',
  lasting: 'archive, carbons and stream management',
};

const archive: Column = ['archive', ({ row }) => row.server.archive];
const lost: Column = ['acknowledged but not archived', ({ missing }) => String(missing)];
const acknowledgement: readonly Column[] = [
  ['acknowledged/s', ({ acknowledged }) => acknowledged.toFixed(0)],
  ['p99 ms of that', ({ acknowledgedP99 }) => acknowledgedP99.toFixed(1)],
];

/** Of Belfry's rows, how many times better they are than the best other server's, and than Prosody's. */
function ratios(results: readonly Result[], what: string, of: (result: Result) => number): Column[] {
  const ratio = (names: readonly string[]) => (result: Result) => {
    const others = results.filter(
      ({ row }) => names.includes(row.server.name) && row.transport === result.row.transport,
    );
    if (result.row.server.name !== 'belfry' || others.length === 0) return '–';
    return (of(result) / Math.max(...others.map(of))).toFixed(2);
  };
  return [
    [`× better peer${what}`, ratio(['prosody', 'ejabberd'])],
    [`× Prosody${what}`, ratio(['prosody'])],
  ];
}
