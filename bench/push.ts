import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findExecutable } from '../tests/harness/peer.js';
import { temporaryFolder } from '../tests/harness/xmpp-server.js';
import { cpuSeconds } from './cpu.js';
import { type Row, startRows } from './push/rows.js';
import { generateLoad } from './push/wrk.js';
import { median, printTable } from './table.js';

/**
 * The push path end to end: HTTP POST → provider → (Prosody →) a distributor that answers → 201. Closed loop; all rows in
 * one run, in alternating rounds, so that they meet the same machine.
 */
const payloadBytes = 1024;

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

interface LoadSettings {
  readonly connections: number;
  readonly seconds: number;
  /** Where the load generator's files go. */
  readonly folder: string;
}

/** `--connections 64 --seconds 8 --rounds 3 --rows bare,minimal`: `--rows` keeps rows whose name starts so. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string', default: 'bare,minimal,mod,belfry,standalone' },
    },
  });
  if (findExecutable('wrk') === undefined)
    throw new Error('this benchmark needs wrk, the HTTP load generator');
  const folder = await temporaryFolder('bench');
  const closers: (() => Promise<unknown> | unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const load = { connections: Number(values.connections), seconds: Number(values.seconds), folder };
    const rows = await startRows(values.rows.split(','), closers);
    const samples = await measure(rows, load, Number(values.rounds));
    print(rows, samples, load.connections);
    if ([...samples.values()].flat().some(({ lost }) => lost > 0)) process.exitCode = 1;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function measure(
  rows: readonly Row[],
  load: LoadSettings,
  rounds: number,
): Promise<Map<Row, Sample[]>> {
  const samples = new Map<Row, Sample[]>();
  for (const row of rows) await sampleOf(row, { ...load, seconds: 2 });
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) samples.set(row, [...(samples.get(row) ?? []), await sampleOf(row, load)]);
  }
  return samples;
}

async function sampleOf(row: Row, load: LoadSettings): Promise<Sample> {
  const used = () => ({ prosody: cpuOf(row.prosodyPid), own: cpuOf(row.ownPid) });
  await delivered(row);
  const before = used();
  const body = randomBytes(payloadBytes);
  const report = await generateLoad({ ...load, endpoints: row.endpoints, body });
  const after = used();
  // What was under way when the load ended still arrives; it is counted, and is no loss.
  await sleep(500);
  const answered201 = report.requests - report.bad;
  const arrived = (await delivered(row)) ?? answered201;
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

function cpuOf(pid: number | undefined): number {
  return pid === undefined ? 0 : cpuSeconds(pid);
}

/** How many of the row's pushes came since the last time; undefined if it delivers none. */
async function delivered({ delivery }: Row): Promise<number | undefined> {
  if (delivery === undefined) return undefined;
  const answer = await delivery.ask({ ask: 'counts', payloadBytes }, 'counts');
  return answer.delivered[delivery.provider] ?? 0;
}

function print(rows: readonly Row[], samples: ReadonlyMap<Row, Sample[]>, connections: number): void {
  const of = (row: Row, field: keyof Sample) => (samples.get(row) ?? []).map((sample) => sample[field]);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const named = (name: string | undefined) => rows.find((row) => row.name === name);
  const ratio = (row: Row, other: Row | undefined) =>
    other === undefined ? '–' : (median(of(row, 'rate')) / median(of(other, 'rate'))).toFixed(2);
  const lines = rows.map((row) => [
    row.name,
    median(of(row, 'rate')).toFixed(0),
    median(of(row, 'p50')).toFixed(1),
    median(of(row, 'p99')).toFixed(1),
    median(of(row, 'cpuProsody')).toFixed(3),
    median(of(row, 'cpuOwn')).toFixed(3),
    ratio(row, named(row.rival)),
    ratio(row, named('bare node:http')),
    ratio(row, named('minimal relay')),
    String(sum(of(row, 'not201'))),
    String(sum(of(row, 'lost'))),
  ]);
  const heads = [
    ['provider', 'pushes/s', 'p50 ms', 'p99 ms', 'Prosody CPU s/1000', 'own CPU s/1000'],
    ['× mod_unified_push', '× bare', '× relay', 'not 201', '201 but lost'],
  ].flat();
  const setting = `${connections} connections, ${payloadBytes} bytes; medians`;
  printTable(setting, heads, lines);
}
