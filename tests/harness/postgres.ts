import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './net.js';
import { findExecutable } from './peer.js';
import { type Program, type ProgramSpec, startProgram, waitUntilReady } from './program.js';

/** A PostgreSQL server of the test's own: a temporary folder, a port of 127.0.0.1, passwords required. */
export interface PostgresServer {
  readonly port: number;
  /** Where its Unix socket is. */
  readonly folder: string;
  /** The superuser's URL of a database, or another user's. */
  url(database: string, user?: string, password?: string): string;
  /** Makes an empty database and answers its name. */
  createDatabase(encoding?: 'UTF8' | 'LATIN1'): Promise<string>;
  /** Runs SQL as superuser and answers the rows. */
  query(database: string, text: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends the server: SIGINT breaks all connections and closes the files, SIGQUIT is a crash. */
  kill(signal?: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** False (the default) is faster; true where a crash of the machine matters. */
  readonly fsync?: boolean;
}

const superuser = 'belfry_test';
/** With characters that a URL must encode. */
const superuserPassword = 'correct horse/battery@staple?';

/** Debian keeps the server's programs of each version in a folder of its own; the newest, or what is on PATH. */
function findProgram(name: string): string | undefined {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = versions.map((version) => join(base, version, 'bin', name));
  return candidates.find((path) => existsSync(path)) ?? findExecutable(name);
}

const isRoot = process.getuid?.() === 0;
const initdb = findProgram('initdb');
const postgres = findProgram('postgres');
const setpriv = findExecutable('setpriv');

/** True if PostgreSQL's server is installed and can be started by whoever runs the tests. */
export const hasPostgres =
  initdb !== undefined && postgres !== undefined && (!isRoot || setpriv !== undefined);

/** PostgreSQL refuses to run as root: as Debian's user `postgres` then. */
function unprivileged(command: string | undefined, args: readonly string[]): ProgramSpec {
  if (command === undefined) throw new Error('PostgreSQL is not installed');
  if (!isRoot) return { command, args };
  if (setpriv === undefined) throw new Error('setpriv is not installed');
  return {
    command: setpriv,
    args: ['--reuid=postgres', '--regid=postgres', '--clear-groups', command, ...args],
  };
}

/** Makes a cluster and starts a server on it. */
export async function startPostgres({ fsync = false }: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'belfry-postgres-'));
  await makeCluster(folder);
  const port = await freePort();
  const server = createServer(folder, port, fsync);
  await server.start();
  return server;
}

async function makeCluster(folder: string): Promise<void> {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${superuserPassword}\n`);
  if (isRoot) execFileSync('chown', ['-R', 'postgres:postgres', folder]);
  const { command, args } = unprivileged(initdb, [
    ...['--pgdata', join(folder, 'data'), '--username', superuser, '--pwfile', passwordFile],
    ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
  ]);
  execFileSync(command, args, { cwd: folder, stdio: 'pipe' });
}

function createServer(folder: string, port: number, fsync: boolean): PostgresServer {
  let running: Program | undefined;
  let databases = 0;
  const url = (database: string, user = superuser, password = superuserPassword) =>
    `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  const query = (database: string, text: string) => runQuery(url(database), text);
  const server: PostgresServer = {
    port,
    folder,
    url,
    query,
    async createDatabase(encoding = 'UTF8') {
      databases += 1;
      const name = `belfry_${databases}`;
      await query('postgres', `create database ${name} encoding '${encoding}' template template0`);
      return name;
    },
    async kill(signal = 'SIGINT') {
      await running?.kill(signal);
      running = undefined;
    },
    async start() {
      running = startProgram({ ...serverProgram(folder, port, fsync), cwd: folder });
      await waitUntilReady('postgres', running, () => answers(url('postgres')));
    },
    async stop() {
      await server.kill('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
  return server;
}

function serverProgram(folder: string, port: number, fsync: boolean): ProgramSpec {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    fsync: fsync ? 'on' : 'off',
    max_connections: '60',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return unprivileged(postgres, ['-D', join(folder, 'data'), '-p', String(port), ...flags]);
}

async function runQuery(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await runQuery(url, 'select 1');
    return true;
  } catch {
    return false;
  }
}
