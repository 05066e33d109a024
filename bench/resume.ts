import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { account, type Running, type Transport, transports, withContestants } from './servers/contestants.js';
import { treeCpuSeconds, treeMemory } from './servers/process-tree.js';
import { type Sleepers, startSleepers } from './servers/start-swarm.js';
import { median, printTable } from './table.js';

interface Settings {
  readonly sessions: number;
  /** Messages that each session has been sent and has not acknowledged when its connection is cut. */
  readonly unacknowledged: number;
  /** All messages that are sent again, those among them. */
  readonly messages: number;
  readonly rounds: number;
  /** Seconds before memory is read. */
  readonly settle: number;
}

interface Row {
  readonly server: Running;
  readonly transport: Transport;
  /** Bytes of a session that is connected, of one that waits for its client, and of one that keeps messages for it. */
  readonly memory: { readonly connected: number; readonly asleep: number; readonly waiting: number };
  readonly resumed: Resumed;
}

interface Resumed {
  /** Sessions in a second. */
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  /** Seconds of the server's CPU for 1,000 sessions. */
  readonly cpu: number;
  readonly clientBusy: number;
}

/** Sessions that the server has had before it counts as empty: what is loaded and compiled once is no session's. */
const warmUp = 100;
/** Logins and resumptions under way at once. */
const parallel = 20;
const wakers = 10;
/** Milliseconds until a server has surely seen that connections were cut. */
const seen = 1_000;

/**
 * Sessions whose connections are cut while messages are not acknowledged, and that are resumed: from connecting, by
 * SCRAM-SHA-1, to the last message that is sent again. One server at a time.
 * `--sessions 1000 --unacknowledged 5 --messages 20 --rounds 3 --settle 5 --servers prosody,ejabberd,belfry --transports plain`
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sessions: { type: 'string', default: '1000' },
      unacknowledged: { type: 'string', default: '5' },
      messages: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '3' },
      settle: { type: 'string', default: '5' },
      servers: { type: 'string', default: 'prosody,ejabberd,belfry' },
      transports: { type: 'string', default: 'plain' },
    },
  });
  const settings = {
    sessions: Number(values.sessions),
    unacknowledged: Number(values.unacknowledged),
    messages: Number(values.messages),
    rounds: Number(values.rounds),
    settle: Number(values.settle),
  };
  const over = transports.filter((transport) => values.transports.split(',').includes(transport));
  const accounts = settings.sessions + wakers;
  const servers = values.servers.split(',');
  await withContestants({ servers, services: ['managed'], accounts }, async (starts) => {
    const rows: Row[] = [];
    for (const transport of over) {
      for (const start of starts) rows.push(await measure(await start(), transport, settings));
    }
    print(settings, rows);
  });
}

async function measure(server: Running, transport: Transport, settings: Settings): Promise<Row> {
  const sleepers = startSleepers();
  const { sessions, messages } = settings;
  const settledMemory = async () => {
    await sleep(settings.settle * 1000);
    return treeMemory(server.pid);
  };
  try {
    await login(server, transport, sleepers, warmUp);
    await sleepAndResume(server, sleepers, { ...settings, sessions: warmUp });
    await sleepers.ask({ ask: 'logout' }, 'done');
    const empty = await settledMemory();
    const perSession = async () => ((await settledMemory()) - empty) / sessions;
    await login(server, transport, sleepers, sessions);
    const connected = await perSession();
    await sleepers.ask({ ask: 'cut' }, 'done');
    const asleep = await perSession();
    await sleepers.ask({ ask: 'send', messages }, 'done');
    const waiting = await perSession();
    await sleepers.ask({ ask: 'resume', parallel }, 'resumed');
    const samples: Resumed[] = [];
    for (let round = 0; round < settings.rounds; round++) {
      samples.push(await sleepAndResume(server, sleepers, settings));
    }
    return { server, transport, memory: { connected, asleep, waiting }, resumed: medians(samples) };
  } finally {
    await sleepers.stop();
    await server.stop();
  }
}

async function login(server: Running, transport: Transport, sleepers: Sleepers, count: number) {
  const where = { port: server.portOf(transport), tls: transport === 'tls' };
  await sleepers.ask({ ask: 'login', ...where, ...account, count, wakers, parallel }, 'done');
}

async function sleepAndResume(
  server: Running,
  sleepers: Sleepers,
  { sessions, unacknowledged, messages }: Settings,
): Promise<Resumed> {
  await sleepers.ask({ ask: 'send', messages: unacknowledged }, 'done');
  await sleepers.ask({ ask: 'cut' }, 'done');
  await sleep(seen);
  await sleepers.ask({ ask: 'send', messages: messages - unacknowledged }, 'done');
  const before = treeCpuSeconds(server.pid);
  const { seconds, p50, p99, busy } = await sleepers.ask({ ask: 'resume', parallel }, 'resumed');
  const cpu = treeCpuSeconds(server.pid) - before;
  return { rate: sessions / seconds, p50, p99, cpu: (cpu / sessions) * 1000, clientBusy: busy };
}

function medians(samples: readonly Resumed[]): Resumed {
  const of = (field: keyof Resumed) => median(samples.map((sample) => sample[field]));
  return { rate: of('rate'), p50: of('p50'), p99: of('p99'), cpu: of('cpu'), clientBusy: of('clientBusy') };
}

function print(settings: Settings, rows: readonly Row[]): void {
  const best = (row: Row, of: (row: Row) => number) => {
    const peers = rows.filter(
      ({ server, transport }) => server.name !== 'belfry' && transport === row.transport,
    );
    if (row.server.name !== 'belfry' || peers.length === 0) return '–';
    return (of(row) / Math.max(...peers.map(of))).toFixed(2);
  };
  const kibibytes = (bytes: number) => (bytes / 1024).toFixed(1);
  const lines = rows.map((row) => {
    const { server, transport, memory, resumed } = row;
    return [
      ...[server.name, transport],
      ...[resumed.rate.toFixed(0), best(row, (other) => other.resumed.rate)],
      ...[resumed.p50.toFixed(1), resumed.p99.toFixed(1)],
      ...[resumed.cpu.toFixed(2), best(row, (other) => 1 / other.resumed.cpu)],
      ...[kibibytes(memory.connected), kibibytes(memory.asleep)],
      ...[kibibytes(memory.waiting), best(row, (other) => 1 / other.memory.waiting)],
      `${(resumed.clientBusy * 100).toFixed(0)} %`,
    ];
  });
  const { sessions, messages, unacknowledged, settle } = settings;
  const heads = [
    ...['server', 'transport', 'resumes/s', '× better peer', 'p50 ms', 'p99 ms'],
    ...['server CPU s/1000', '× better peer per CPU', 'KiB/session connected', 'KiB/session asleep'],
    ...[`KiB/session with ${messages} messages`, '× better peer', 'client CPU'],
  ];
  const what = `${messages} messages sent again to each, ${unacknowledged} of them from before the cut`;
  printTable(
    `${sessions} sessions, ${parallel} at once, ${what}; memory (PSS) after ${settle} s; medians`,
    heads,
    lines,
  );
}
