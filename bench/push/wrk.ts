import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const script = fileURLToPath(new URL('wrk.lua', import.meta.url));

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  readonly endpoints: readonly string[];
  readonly body: Uint8Array;
  /** Where the files for the load generator go. */
  readonly folder: string;
}

const reportSchema = z.object({
  requests: z.number(),
  microseconds: z.number(),
  /** Answers of status 400 and above. */
  bad: z.number(),
  /** Requests without an answer. */
  broken: z.number(),
  p50: z.number(),
  p99: z.number(),
});

/** What the load generator saw; times in microseconds. */
export type Report = z.infer<typeof reportSchema>;

/** POSTs in a closed loop for that many seconds, by wrk on one thread. */
export async function generateLoad({ connections, seconds, endpoints, body, folder }: Load): Promise<Report> {
  const urls = endpoints.map((endpoint) => new URL(endpoint));
  const [bodyFile, endpointsFile] = [join(folder, 'body'), join(folder, 'endpoints')];
  await writeFile(bodyFile, body);
  await writeFile(endpointsFile, urls.map((url) => `${url.host} ${url.pathname}\n`).join(''));
  const target = `http://127.0.0.1:${urls[0]?.port}/`;
  const options = [
    '-t',
    '1',
    '-c',
    String(connections),
    '-d',
    `${seconds}s`,
    '--timeout',
    '20s',
    '-s',
    script,
  ];
  const { stdout } = await promisify(execFile)('wrk', [...options, target, '--', endpointsFile, bodyFile]);
  return reportSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}
