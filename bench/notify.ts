import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { measureInRounds, type Rounds } from './rounds.js';
import { account } from './servers/contestants.js';
import { appServer, type Notifier, notifiers, startNotifier } from './servers/notifiers.js';
import type { CallLoad } from './servers/phones.js';
import { treeCpuSeconds } from './servers/process-tree.js';
import { type Phones, startPhones } from './servers/start-swarm.js';
import { median, printTable } from './table.js';

interface Settings extends Rounds {
  readonly users: number;
  /** Messages a second of the paced part; fewer where they are collected, so that none meets another. */
  readonly rate: number;
}

/** A server with its clients and their app server. */
interface Row {
  readonly notifier: Notifier;
  readonly pid: number;
  readonly phones: Phones;
}

interface Load {
  /** Messages and publishes in a second. */
  readonly messages: number;
  readonly publishes: number;
  readonly p50: number;
  readonly p99: number;
  /** Seconds of the server's CPU for 1,000 messages, and for 1,000 publishes. */
  readonly cpuOfMessages: number;
  readonly cpuOfPublishes: number;
  readonly lost: number;
  readonly doubled: number;
  readonly clientBusy: number;
}

/** One message to each client at a time, many in a row, and at a fixed rate. */
interface Sample {
  readonly single: Load;
  readonly bursts: Load;
  readonly paced: Load;
}

const callers = 10;
/** Logins and resumptions under way at once. */
const parallel = 20;
/** Milliseconds until a server has surely seen that connections were cut. */
const seen = 1_000;

/**
 * Messages to sessions that hibernate, of each of which an app server has to be told (XEP-0357); in alternating rounds, so
 * that all servers meet the same machine.
 * `--users 1000 --rate 1000 --seconds 2 --rounds 3 --servers 'prosody;ejabberd;belfry;belfry, at once' --archive`
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: { type: 'string', default: '1000' },
      rate: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      servers: { type: 'string', default: 'prosody;ejabberd;belfry;belfry, at once' },
      archive: { type: 'boolean', default: false },
    },
  });
  const settings: Settings = {
    users: Number(values.users),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
  };
  const servers = values.servers.split(';');
  const chosen = notifiers(values.archive).filter(
    ({ name, isInstalled }) => isInstalled && servers.includes(name),
  );
  const closers: (() => Promise<void>)[] = [];
  try {
    const rows: Row[] = [];
    for (const notifier of chosen) rows.push(await startRow(notifier, settings, closers));
    const samples = await measureInRounds(rows, settings, sampleOf);
    print(settings, rows, samples);
    if (rows.some((row) => faultsOf(samples.get(row) ?? []) > 0)) process.exitCode = 1;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function startRow(
  notifier: Notifier,
  { users }: Settings,
  closers: (() => Promise<void>)[],
): Promise<Row> {
  const server = await startNotifier(notifier, users + callers);
  closers.push(() => server.stop());
  const phones = startPhones();
  closers.push(() => phones.stop());
  const { telling, collection } = notifier;
  const where = { port: server.c2sPort, componentPort: server.componentPort, appServer };
  const who = { ...account, count: users, callers, parallel };
  await phones.ask({ ask: 'login', ...where, ...who, telling, collection }, 'done');
  return { notifier, pid: server.pid, phones };
}

async function sampleOf(row: Row, { users, rate, seconds }: Settings): Promise<Sample> {
  await sleep(seen);
  const paced = await loadOf(row, { rate: offered(row, rate, users) }, seconds);
  const single = await loadOf(row, { burst: 1 }, seconds);
  const bursts = await loadOf(row, { burst: row.notifier.burst }, seconds);
  await row.phones.ask({ ask: 'wake' }, 'done');
  return { paced, single, bursts };
}

/** A message every other second for a client whose server collects for one. */
function offered({ notifier }: Row, rate: number, users: number): number {
  return notifier.collection === 0 ? rate : Math.min(rate, users / (2 * (notifier.collection / 1000)));
}

async function loadOf({ phones, pid }: Row, load: CallLoad, lasts: number): Promise<Load> {
  const before = treeCpuSeconds(pid);
  const called = await phones.ask({ ask: 'call', seconds: lasts, load }, 'called');
  const cpu = treeCpuSeconds(pid) - before;
  const { messages, publishes, rates, p50, p99, lost, doubled, busy: clientBusy } = called;
  return {
    ...{ ...rates, p50, p99, lost, doubled, clientBusy },
    cpuOfMessages: (cpu / messages) * 1000,
    cpuOfPublishes: (cpu / publishes) * 1000,
  };
}

function faultsOf(samples: readonly Sample[]): number {
  const loads = samples.flatMap(({ paced, single, bursts }) => [paced, single, bursts]);
  return sum(loads.map(({ lost, doubled }) => lost + doubled));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const isFault = (field: keyof Load) => field === 'lost' || field === 'doubled';

type Samples = ReadonlyMap<Row, readonly Sample[]>;
type Column = readonly [string, (row: Row) => string];

/** Of each part: its title, and what Belfry is compared by. */
const parts: readonly (readonly [keyof Sample, (settings: Settings) => string, readonly (keyof Load)[]])[] = [
  ['single', () => 'one message to each at a time', ['publishes', 'p99', 'cpuOfPublishes']],
  ['bursts', () => 'messages in a row to each', ['messages', 'p99', 'cpuOfMessages']],
  ['paced', ({ rate }) => `at most ${rate} messages/s`, ['p99', 'cpuOfPublishes']],
];

function print(settings: Settings, rows: readonly Row[], samples: Samples): void {
  const archive = rows.some(({ notifier }) => notifier.hasArchive) ? 'archive' : 'no archive';
  for (const [part, title, compared] of parts) {
    const of = (row: Row, field: keyof Load) => {
      const values = (samples.get(row) ?? []).map((sample) => sample[part][field]);
      return isFault(field) ? sum(values) : median(values);
    };
    const columns = columnsOf(part, rows, compared, of);
    printTable(
      `${settings.users} sessions that hibernate, ${archive}; ${title(settings)}; medians`,
      columns.map(([head]) => head),
      rows.map((row) => columns.map(([, cell]) => cell(row))),
    );
    process.stdout.write('\n');
  }
}

const burst: Column = ['in a row', ({ notifier }) => String(notifier.burst)];

function columnsOf(
  part: keyof Sample,
  rows: readonly Row[],
  compared: readonly (keyof Load)[],
  of: (row: Row, field: keyof Load) => number,
): readonly Column[] {
  const peer = rows.find(({ notifier }) => notifier.name === 'ejabberd');
  const ratio = (row: Row, field: keyof Load) => {
    if (peer === undefined || row.notifier.telling !== 'counted') return '–';
    const times = of(row, field) / of(peer, field);
    return (isBetterIfMore(field) ? times : 1 / times).toFixed(2);
  };
  const column = (head: string, field: keyof Load, digits: number): readonly Column[] => {
    const value: Column = [head, (row) => of(row, field).toFixed(digits)];
    return compared.includes(field) ? [value, ['× ejabberd', (row) => ratio(row, field)]] : [value];
  };
  return [
    ['server', ({ notifier }) => notifier.name],
    ...(part === 'bursts' ? [burst] : []),
    ['collects', ({ notifier }) => (notifier.collection === 0 ? '–' : `${notifier.collection / 1000} s`)],
    ...column('messages/s', 'messages', 0),
    ...column('publishes/s', 'publishes', 0),
    ...column('p50 ms', 'p50', 1),
    ...column('p99 ms', 'p99', 1),
    ...column('CPU s/1000 messages', 'cpuOfMessages', 3),
    ...column('CPU s/1000 publishes', 'cpuOfPublishes', 3),
    ...column('lost', 'lost', 0),
    ...column('doubled', 'doubled', 0),
    ['client CPU', (row) => `${(of(row, 'clientBusy') * 100).toFixed(0)} %`],
  ];
}

const isBetterIfMore = (field: keyof Load) => field === 'messages' || field === 'publishes';
