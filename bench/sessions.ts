import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  account,
  type Running,
  type Transport,
  transports,
  type Wanted,
  withContestants,
} from './servers/contestants.js';
import { treeCpuSeconds, treeMemory } from './servers/process-tree.js';
import { startSwarm } from './servers/start-swarm.js';
import { printTable } from './table.js';

interface Settings {
  /** Ascending. */
  readonly counts: readonly number[];
  readonly settle: number;
}

interface Row {
  readonly name: string;
  readonly transport: Transport;
  /** Bytes without sessions. */
  readonly empty: number;
  /** Bytes of a session, for each of the counts. */
  readonly perSession: readonly number[];
  readonly loginsPerSecond: number;
  /** Seconds of the server's CPU for 1,000 logins. */
  readonly cpu: number;
}

/** Logins that the server does before it counts as empty: what is loaded and compiled once is no session's. */
const warmUp = 100;
/** Logins under way at once. */
const parallel = 20;

/**
 * Memory of idle sessions: logged in, roster fetched, available, each of an account of its own. One server at a time.
 * `--counts 1000,5000 --settle 10 --servers prosody,ejabberd,belfry --transports plain,tls`
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      counts: { type: 'string', default: '1000,5000' },
      settle: { type: 'string', default: '10' },
      servers: { type: 'string', default: 'prosody,ejabberd,belfry' },
      transports: { type: 'string', default: transports.join() },
    },
  });
  const settings = { counts: values.counts.split(',').map(Number), settle: Number(values.settle) };
  const over = transports.filter((transport) => values.transports.split(',').includes(transport));
  const wanted: Wanted = {
    servers: values.servers.split(','),
    services: ['passing'],
    accounts: Math.max(...settings.counts),
  };
  await withContestants(wanted, async (starts) => {
    const rows: Row[] = [];
    for (const transport of over) {
      for (const start of starts) rows.push(await measure(await start(), transport, settings));
    }
    print(settings, rows);
  });
}

async function measure(server: Running, transport: Transport, { counts, settle }: Settings): Promise<Row> {
  const swarm = startSwarm();
  const where = { port: server.portOf(transport), tls: transport === 'tls' };
  const login = (first: number, count: number) =>
    swarm.ask({ ask: 'login', ...where, ...account, first, count, parallel, isManaged: false }, 'done');
  const settledMemory = async () => {
    await sleep(settle * 1000);
    return treeMemory(server.pid);
  };
  try {
    await login(0, warmUp);
    await swarm.ask({ ask: 'logout' }, 'done');
    const empty = await settledMemory();
    const perSession: number[] = [];
    const total = { logins: 0, seconds: 0, cpu: 0 };
    for (const count of counts) {
      const before = treeCpuSeconds(server.pid);
      const { seconds } = await login(total.logins, count - total.logins);
      total.cpu += treeCpuSeconds(server.pid) - before;
      total.seconds += seconds;
      total.logins = count;
      perSession.push(((await settledMemory()) - empty) / count);
    }
    const { logins, seconds, cpu } = total;
    const rates = { loginsPerSecond: logins / seconds, cpu: (cpu / logins) * 1000 };
    return { name: server.name, transport, empty, perSession, ...rates };
  } finally {
    await swarm.stop();
    await server.stop();
  }
}

function print({ counts, settle }: Settings, rows: readonly Row[]): void {
  const lines = rows.map((row) => {
    const peers = rows.filter(({ name, transport }) => name !== 'belfry' && transport === row.transport);
    const best = (of: (peer: Row) => number) =>
      row.name !== 'belfry' || peers.length === 0 ? '–' : (of(row) / Math.max(...peers.map(of))).toFixed(2);
    const memory = row.perSession.flatMap((bytes, index) => [
      (bytes / 1024).toFixed(1),
      best((peer) => 1 / (peer.perSession[index] ?? Number.NaN)),
    ]);
    return [
      ...[row.name, row.transport, (row.empty / 2 ** 20).toFixed(0), ...memory],
      ...[row.loginsPerSecond.toFixed(0), best((peer) => peer.loginsPerSecond)],
      ...[row.cpu.toFixed(2), best((peer) => 1 / peer.cpu)],
    ];
  });
  const memoryHeads = counts.flatMap((count) => [`KiB/session at ${count}`, '× better peer']);
  const heads = [
    ...['server', 'transport', 'empty MiB', ...memoryHeads],
    ...['logins/s', '× better peer', 'server CPU s/1000 logins', '× better peer'],
  ];
  printTable(`${parallel} logins at once; memory (PSS) ${settle} s after the last`, heads, lines);
}
