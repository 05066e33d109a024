import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBelfry } from '../tests/harness/belfry.js';
import { findExecutable } from '../tests/harness/peer.js';
import { startProsody } from '../tests/harness/prosody.js';
import { temporaryFolder, type XmppServer } from '../tests/harness/xmpp-server.js';
import { type Ask, asker } from './ask.js';
import { cpuSeconds } from './cpu.js';
import type { Answer, Question } from './push/lean-distributor.js';
import { generateLoad } from './push/wrk.js';
import { median, printTable } from './table.js';

/**
 * The push path end to end: HTTP POST → provider → Prosody → a distributor that answers → 201. Closed loop; all rows
 * in one run on one Prosody, in alternating rounds, so that they meet the same machine.
 */
const payloadBytes = 1024;
const registrations = 64;
const domain = 'example.test';
const account = { user: 'device', password: randomBytes(12).toString('hex') };
const componentSecret = randomBytes(12).toString('hex');
const jwtSecret = randomBytes(32).toString('hex');

/** One provider under test. */
interface Row {
  readonly name: string;
  /** Whose pushes the distributor counts; undefined for the bare limit, which delivers nothing. */
  readonly provider?: string;
  readonly endpoints: readonly string[];
  /** The process beside Prosody. */
  readonly ownPid?: number;
  readonly usesProsody: boolean;
  /** The row whose rate this one is set against, beside the bare limit. */
  readonly rival?: string;
}

interface Sample {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuProsody: number;
  readonly cpuOwn: number;
  readonly not201: number;
  /** Pushes that were answered 201 and did not reach the distributor. */
  readonly lost: number;
}

interface Bench {
  readonly prosody: XmppServer;
  readonly ask: Ask<Question, Answer>;
  readonly folder: string;
}

/** What ends the processes that were started, in reverse order. */
type Closers = (() => Promise<unknown> | unknown)[];

/** `--connections 64 --seconds 8 --rounds 3 --rows belfry,mod,bare`: `--rows` keeps rows whose name starts so. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string', default: 'bare,mod,belfry' },
    },
  });
  const load = { connections: Number(values.connections), seconds: Number(values.seconds) };
  if (findExecutable('wrk') === undefined)
    throw new Error('this benchmark needs wrk, the HTTP load generator');
  const closers: Closers = [];
  try {
    const bench = await prepare(closers);
    const rows = await startRows(bench, values.rows.split(','), closers);
    const samples = await measure(bench, rows, load, Number(values.rounds));
    print(rows, samples, load.connections);
    if ([...samples.values()].flat().some(({ lost }) => lost > 0)) process.exitCode = 1;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

const modRows = { storage: 'mod-storage.example.test', jwt: 'mod-jwt.example.test' } as const;
const belfryRows = {
  storage: 'storage.example.test',
  paseto: 'paseto.example.test',
  jwt: 'jwt.example.test',
} as const;

async function prepare(closers: Closers): Promise<Bench> {
  const folder = await temporaryFolder('bench');
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const prosody = await startProsody({
    accounts: { [`${account.user}@${domain}`]: account.password },
    components: Object.fromEntries(Object.values(belfryRows).map((jid) => [jid, componentSecret])),
    unifiedPush: {
      [modRows.storage]: 'unified_push_backend = "storage"',
      [modRows.jwt]: `unified_push_backend = "jwt"; unified_push_secret = "${jwtSecret}"`,
    },
  });
  closers.push(() => prosody.stop());
  const distributor = fork(new URL('./push/lean-distributor.ts', import.meta.url));
  closers.push(() => distributor.disconnect());
  const ask = asker<Question, Answer>(distributor);
  await ask({ ask: 'login', port: prosody.c2sPort, domain, ...account }, 'done');
  return { prosody, ask, folder };
}

async function startRows(bench: Bench, wanted: readonly string[], closers: Closers): Promise<Row[]> {
  const isWanted = (name: string) => wanted.some((prefix) => name.startsWith(prefix));
  const rows: Row[] = [];
  if (isWanted('bare')) rows.push(await bareRow(closers));
  for (const [backend, provider] of Object.entries(modRows)) {
    if (isWanted(`mod_unified_push ${backend}`)) rows.push(await modRow(bench, backend, provider));
  }
  for (const backend of ['storage', 'paseto', 'jwt'] as const) {
    if (isWanted(`belfry ${backend}`)) rows.push(await belfryRow(bench, backend, closers));
  }
  return rows;
}

async function bareRow(closers: Closers): Promise<Row> {
  const server = fork(new URL('./push/bare-server.ts', import.meta.url));
  closers.push(() => server.disconnect());
  const [address]: { port: number }[] = await once(server, 'message');
  const endpoints = [`http://127.0.0.1:${address?.port}/push/${randomBytes(20).toString('hex')}`];
  const ownPid = server.pid;
  return {
    name: 'bare node:http',
    endpoints,
    usesProsody: false,
    ...(ownPid === undefined ? {} : { ownPid }),
  };
}

async function register({ ask }: Bench, provider: string): Promise<readonly string[]> {
  const question = { ask: 'register', provider, count: registrations } as const;
  return (await ask(question, 'endpoints')).endpoints;
}

async function modRow(bench: Bench, backend: string, provider: string): Promise<Row> {
  const endpoints = await register(bench, provider);
  return { name: `mod_unified_push ${backend}`, provider, endpoints, usesProsody: true };
}

async function belfryRow(bench: Bench, backend: keyof typeof belfryRows, closers: Closers): Promise<Row> {
  const provider = belfryRows[backend];
  const belfry = await startBelfry({
    component: { jid: provider, secret: componentSecret, port: bench.prosody.componentPort },
    backend,
    unifiedPush: { rate_limit: 0, ...(backend === 'jwt' ? { secret: jwtSecret } : {}) },
  });
  closers.push(() => belfry.stop());
  const endpoints = await register(bench, provider);
  const rival = `mod_unified_push ${backend}`;
  return { name: `belfry ${backend}`, provider, endpoints, ownPid: belfry.pid, usesProsody: true, rival };
}

async function measure(
  bench: Bench,
  rows: readonly Row[],
  load: { readonly connections: number; readonly seconds: number },
  rounds: number,
): Promise<Map<Row, Sample[]>> {
  const samples = new Map<Row, Sample[]>();
  for (const row of rows) await sampleOf(bench, row, { ...load, seconds: 2 });
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) {
      samples.set(row, [...(samples.get(row) ?? []), await sampleOf(bench, row, load)]);
    }
  }
  return samples;
}

async function sampleOf(
  { prosody, ask, folder }: Bench,
  row: Row,
  load: { readonly connections: number; readonly seconds: number },
): Promise<Sample> {
  const used = () => ({
    prosody: row.usesProsody ? cpuSeconds(prosody.pid) : 0,
    own: row.ownPid === undefined ? 0 : cpuSeconds(row.ownPid),
  });
  const question = { ask: 'counts', payloadBytes } as const;
  await ask(question, 'counts');
  const before = used();
  const body = randomBytes(payloadBytes);
  const report = await generateLoad({ ...load, endpoints: row.endpoints, body, folder });
  const after = used();
  // What was under way when the load ended still arrives; it is counted, and is no loss.
  await sleep(500);
  const { delivered } = await ask(question, 'counts');
  const answered201 = report.requests - report.bad;
  const arrived = row.provider === undefined ? answered201 : (delivered[row.provider] ?? 0);
  return {
    rate: answered201 / (report.microseconds / 1e6),
    p50: report.p50 / 1000,
    p99: report.p99 / 1000,
    cpuProsody: ((after.prosody - before.prosody) / answered201) * 1000,
    cpuOwn: ((after.own - before.own) / answered201) * 1000,
    not201: report.bad + report.broken,
    lost: Math.max(0, answered201 - arrived),
  };
}

function print(rows: readonly Row[], samples: ReadonlyMap<Row, Sample[]>, connections: number): void {
  const of = (row: Row, field: keyof Sample) => (samples.get(row) ?? []).map((sample) => sample[field]);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const bare = rows.find((row) => row.name.startsWith('bare'));
  const ratio = (row: Row, other: Row | undefined) =>
    other === undefined ? '–' : (median(of(row, 'rate')) / median(of(other, 'rate'))).toFixed(2);
  const lines = rows.map((row) => [
    row.name,
    median(of(row, 'rate')).toFixed(0),
    median(of(row, 'p50')).toFixed(1),
    median(of(row, 'p99')).toFixed(1),
    median(of(row, 'cpuProsody')).toFixed(3),
    median(of(row, 'cpuOwn')).toFixed(3),
    ratio(
      row,
      rows.find(({ name }) => name === row.rival),
    ),
    ratio(row, bare),
    String(sum(of(row, 'not201'))),
    String(sum(of(row, 'lost'))),
  ]);
  const heads = [
    ['provider', 'pushes/s', 'p50 ms', 'p99 ms', 'Prosody CPU s/1000', 'own CPU s/1000'],
    ['× mod_unified_push', '× bare', 'not 201', '201 but lost'],
  ].flat();
  const setting = `${connections} connections, ${payloadBytes} bytes, ${registrations} endpoints; medians`;
  printTable(setting, heads, lines);
}
