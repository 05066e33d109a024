import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { startBelfry } from '../../tests/harness/belfry.js';
import { startStandalone } from '../../tests/harness/belfry-standalone.js';
import { startProsody } from '../../tests/harness/prosody.js';
import type { XmppServer } from '../../tests/harness/xmpp-server.js';
import { type Ask, asker } from '../ask.js';
import type { Answer, Question } from './lean-distributor.js';

const registrations = 64;
const domain = 'example.test';
const account = { user: 'device', password: randomBytes(12).toString('hex') };
const accounts = { [`${account.user}@${domain}`]: account.password };
const componentSecret = randomBytes(12).toString('hex');
const jwtSecret = randomBytes(32).toString('hex');

/** One provider under test. */
export interface Row {
  readonly name: string;
  readonly endpoints: readonly string[];
  /** Who gets its pushes, and the name it knows the provider by; undefined where nothing is delivered. */
  readonly delivery?: { readonly ask: AskDistributor; readonly provider: string };
  /** The process beside Prosody. */
  readonly ownPid?: number;
  readonly prosodyPid?: number;
  /** The row whose rate this one is set against, beside the limits. */
  readonly rival?: string;
}

type AskDistributor = Ask<Question, Answer>;

/** Ends what was started. */
type Close = () => Promise<unknown> | unknown;

const modRows = { storage: 'mod-storage.example.test', jwt: 'mod-jwt.example.test' } as const;
const belfryRows = {
  storage: 'storage.example.test',
  paseto: 'paseto.example.test',
  jwt: 'jwt.example.test',
} as const;
type Backend = keyof typeof belfryRows;
const backends: readonly Backend[] = ['storage', 'paseto', 'jwt'];

/** The one Prosody of a run and its client, started by the first row that needs them. */
interface ProsodyWithClient {
  readonly prosody: XmppServer;
  readonly ask: AskDistributor;
}

/** Starts the rows whose name begins with one of `wanted`; `closers` gets what ends them, to be called backwards. */
export async function startRows(wanted: readonly string[], closers: Close[]): Promise<Row[]> {
  let started: Promise<ProsodyWithClient> | undefined;
  const prosody = () => {
    started ??= startProsodyWithClient(closers);
    return started;
  };
  const starts: Readonly<Record<string, () => Promise<Row>>> = {
    'bare node:http': () => bareRow(closers),
    'minimal relay': () => relayRow(closers),
    'mod_unified_push storage': async () => modRow(await prosody(), 'storage'),
    'mod_unified_push jwt': async () => modRow(await prosody(), 'jwt'),
    ...perBackend('belfry', async (backend) => componentRow(await prosody(), backend, closers)),
    ...perBackend('standalone', (backend) => standaloneRow(backend, closers)),
  };
  const rows: Row[] = [];
  for (const [name, start] of Object.entries(starts)) {
    if (wanted.some((prefix) => name.startsWith(prefix))) rows.push(await start());
  }
  return rows;
}

function perBackend(kind: string, start: (backend: Backend) => Promise<Row>) {
  return Object.fromEntries(backends.map((backend) => [`${kind} ${backend}`, () => start(backend)]));
}

async function startProsodyWithClient(closers: Close[]): Promise<ProsodyWithClient> {
  const prosody = await startProsody({
    accounts,
    components: Object.fromEntries(Object.values(belfryRows).map((jid) => [jid, componentSecret])),
    unifiedPush: {
      [modRows.storage]: 'unified_push_backend = "storage"',
      [modRows.jwt]: `unified_push_backend = "jwt"; unified_push_secret = "${jwtSecret}"`,
    },
  });
  closers.push(() => prosody.stop());
  return { prosody, ask: await loggedInDistributor(prosody.c2sPort, closers) };
}

async function loggedInDistributor(port: number, closers: Close[]): Promise<AskDistributor> {
  const ask = startDistributor(closers);
  await ask({ ask: 'login', port, domain, ...account }, 'done');
  return ask;
}

function startDistributor(closers: Close[]): AskDistributor {
  return asker<Question, Answer>(startChild('./lean-distributor.ts', closers));
}

function startChild(file: string, closers: Close[]): ChildProcess {
  const child = fork(new URL(file, import.meta.url));
  closers.push(() => child.disconnect());
  return child;
}

async function register(ask: AskDistributor, provider: string): Promise<readonly string[]> {
  return (await ask({ ask: 'register', provider, count: registrations }, 'endpoints')).endpoints;
}

async function bareRow(closers: Close[]): Promise<Row> {
  const { pid, endpoint } = await startLimit('./bare-server.ts', closers);
  return { name: 'bare node:http', endpoints: [endpoint], ownPid: pid };
}

async function relayRow(closers: Close[]): Promise<Row> {
  const { pid, endpoint, clientPort } = await startLimit('./relay-server.ts', closers);
  const ask = startDistributor(closers);
  await ask({ ask: 'attach', port: clientPort }, 'done');
  return { name: 'minimal relay', endpoints: [endpoint], ownPid: pid, delivery: { ask, provider: 'relay' } };
}

/** Starts a server that says by its first message where it listens. */
async function startLimit(file: string, closers: Close[]) {
  const child = startChild(file, closers);
  const [ports]: { port: number; clientPort?: number }[] = await once(child, 'message');
  const endpoint = `http://127.0.0.1:${ports?.port}/push/${randomBytes(20).toString('hex')}`;
  return { pid: child.pid ?? 0, endpoint, clientPort: ports?.clientPort ?? 0 };
}

async function modRow({ prosody, ask }: ProsodyWithClient, backend: keyof typeof modRows): Promise<Row> {
  const provider = modRows[backend];
  const endpoints = await register(ask, provider);
  const name = `mod_unified_push ${backend}`;
  return { name, endpoints, delivery: { ask, provider }, prosodyPid: prosody.pid };
}

function unifiedPush(backend: Backend) {
  return { backend, rate_limit: 0, ...(backend === 'jwt' ? { secret: jwtSecret } : {}) };
}

async function componentRow(
  { prosody, ask }: ProsodyWithClient,
  backend: Backend,
  closers: Close[],
): Promise<Row> {
  const provider = belfryRows[backend];
  const belfry = await startBelfry({
    component: { jid: provider, secret: componentSecret, port: prosody.componentPort },
    backend,
    unifiedPush: unifiedPush(backend),
  });
  closers.push(() => belfry.stop());
  return {
    name: `belfry ${backend}`,
    endpoints: await register(ask, provider),
    delivery: { ask, provider },
    ...{ ownPid: belfry.pid, prosodyPid: prosody.pid },
    rival: `mod_unified_push ${backend}`,
  };
}

async function standaloneRow(backend: Backend, closers: Close[]): Promise<Row> {
  const belfry = await startStandalone({ accounts, unifiedPush: unifiedPush(backend) });
  closers.push(() => belfry.stop());
  const ask = await loggedInDistributor(belfry.c2sPort, closers);
  return {
    name: `standalone ${backend}`,
    endpoints: await register(ask, domain),
    delivery: { ask, provider: domain },
    ownPid: belfry.pid,
    rival: `mod_unified_push ${backend === 'paseto' ? 'storage' : backend}`,
  };
}
