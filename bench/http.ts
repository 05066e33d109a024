import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEvents } from '../src/observability/events.js';
import { createLogger } from '../src/observability/logger.js';
import { createMetrics } from '../src/observability/metrics.js';
import { cpuSeconds } from './cpu.js';
import { generateLoad } from './push/wrk.js';

/**
 * What the HTTP server costs: pushes that are answered at once, beside a bare `node:http` that reads the body and
 * answers 201. Rounds alternate, so that both meet the same machine; the figures are medians.
 */
const rounds = 5;
const seconds = 4;
const connections = 32;
const payloadBytes = 1024;

const servers = { 'bare node:http': 'push/bare-server.ts', belfry: 'http/belfry-server.ts' } as const;
type Name = keyof typeof servers;

interface Sample {
  readonly rate: number;
  /** Microseconds of CPU per request: steadier than the rate where others use the machine too. */
  readonly cpu: number;
}

export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'belfry-bench-'));
  const samples: Record<Name, Sample[]> = { 'bare node:http': [], belfry: [] };
  const started: Started[] = [];
  try {
    for (const name of ['bare node:http', 'belfry'] as const) started.push(await start(name));
    for (let round = 0; round < rounds; round++) {
      for (const server of started) samples[server.name].push(await measure(server, folder));
    }
  } finally {
    for (const { child } of started) child.disconnect();
    await rm(folder, { recursive: true });
  }
  print(samples);
}

interface Started {
  readonly name: Name;
  readonly child: ChildProcess;
  readonly port: number;
}

async function start(name: Name): Promise<Started> {
  const child = fork(fileURLToPath(new URL(servers[name], import.meta.url)));
  const ended = once(child, 'exit').then((): never => {
    throw new Error(`${name} did not start`);
  });
  const [address]: { port: number }[] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  if (address === undefined) throw new Error(`${name} did not say where it listens`);
  return { name, child, port: address.port };
}

async function measure({ name, child, port }: Started, folder: string): Promise<Sample> {
  const endpoints = [`http://127.0.0.1:${port}/push/${randomBytes(30).toString('base64url')}`];
  const before = cpuSeconds(child.pid ?? 0);
  const body = randomBytes(payloadBytes);
  const report = await generateLoad({ connections, seconds, endpoints, body, folder });
  if (report.bad + report.broken > 0) throw new Error(`${name}: ${report.bad + report.broken} failed`);
  const cpu = cpuSeconds(child.pid ?? 0) - before;
  return {
    rate: report.requests / (report.microseconds / 1e6),
    cpu: (cpu * 1e6) / report.requests,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(samples: Readonly<Record<Name, readonly Sample[]>>): void {
  const rows = Object.entries(samples).map(([name, of]) => ({
    name,
    rate: median(of.map((sample) => sample.rate)),
    cpu: median(of.map((sample) => sample.cpu)),
  }));
  const bare = rows[0];
  const lines = rows.map(
    ({ name, rate, cpu }) =>
      `| ${name} | ${rate.toFixed(0)} | ${(rate / (bare?.rate ?? 1)).toFixed(2)} | ${cpu.toFixed(1)} |`,
  );
  process.stdout.write(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}; ${connections} connections, ` +
      `${payloadBytes} bytes, ${rounds} rounds of ${seconds} s, medians\n\n` +
      `| server | requests/s | of bare | CPU µs/request |\n|---|---|---|---|\n${lines.join('\n')}\n\n` +
      `events.pushAnswered, delivered, at level info: ${nanosecondsPerEvent().toFixed(0)} ns\n`,
  );
}

function nanosecondsPerEvent(): number {
  const output = { write: () => undefined };
  const events = createEvents({
    logger: createLogger({ level: 'info', format: 'json', output }),
    metrics: createMetrics({ version: 'bench' }),
  });
  const event = { code: 'delivered', jid: 'ana@example.org', bytes: 300, seconds: 0.1 } as const;
  const times = 200_000;
  const timeOnce = () => {
    const begin = process.hrtime.bigint();
    for (let n = 0; n < times; n++) events.pushAnswered(event);
    return Number(process.hrtime.bigint() - begin) / times;
  };
  return median([timeOnce(), timeOnce(), timeOnce(), timeOnce(), timeOnce()]);
}
