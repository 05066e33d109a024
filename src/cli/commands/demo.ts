import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, startApp } from '../../app.js';
import type { Config, ListenAddress } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { createAnswering } from '../../demo/answering.js';
import { type Distributor, type DistributorOptions, startDistributor } from '../../demo/distributor.js';
import { showPush } from '../../demo/show-push.js';
import { loadCertificate } from '../../hosts/standalone/tls/certificate.js';
import { createLogger } from '../../observability/logger.js';
import { Jid } from '../../xmpp/jid.js';
import { askControl, localConfig } from '../ask-control.js';
import { formatAddress } from '../format-address.js';
import { freePort } from '../free-port.js';
import type { Io } from '../io.js';

/** Milliseconds until the push that `--once` sends has to be there. */
const onceTimeout = 10_000;

export interface DemoOptions {
  /** Send one push, show it, and end. */
  readonly once?: boolean;
}

/**
 * `belfry demo`: starts the embedded server in a folder of its own, logs a real client in, registers it for pushes,
 * prints an endpoint and then every push that arrives, until SIGINT or SIGTERM. A browser can log in as another account, and
 * that client answers what it writes. Nothing of it stays. Throws if it cannot start, if the session ends, or if the push of
 * `--once` does not arrive.
 */
export async function demo({ once = false }: DemoOptions, io: Io): Promise<number> {
  const terminated = io.watchSignals(() => {});
  const folder = await mkdtemp(join(tmpdir(), 'belfry-demo-'));
  try {
    const config = await configure(folder);
    const app = await startApp(config, { logger: createLogger(config.log) });
    try {
      await runDevice({ app, config, io, once, terminated });
    } finally {
      await app.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 0;
}

/** Nothing but defaults, on free ports of the loopback interface; neither file nor environment counts. */
async function configure(folder: string): Promise<Config> {
  const http = `127.0.0.1:${await freePort()}`;
  const env = {
    BELFRY_DATA_DIR: folder,
    BELFRY_STANDALONE_C2S: '127.0.0.1:0',
    BELFRY_STANDALONE_C2S_DIRECT_TLS: 'false',
    BELFRY_STANDALONE_S2S: 'false',
    BELFRY_HTTP_LISTEN: http,
    BELFRY_HTTP_PUBLIC_URL: `http://${http}`,
    BELFRY_LOG_LEVEL: 'warn',
  };
  return loadConfig({ env, cwd: folder });
}

interface Demo {
  readonly app: App;
  readonly config: Config;
  readonly io: Io;
  readonly once: boolean;
  readonly terminated: Promise<string>;
}

async function runDevice(demo: Demo): Promise<void> {
  const { config, io, once, terminated } = demo;
  let pushes = 0;
  const answering = createAnswering();
  const device = await connectDevice(demo, {
    onPush(payload) {
      pushes++;
      io.out(showPush(payload, new Date()));
    },
    onMessage: answering.take,
  });
  try {
    const { url } = await device.register(config.unifiedPush.jid);
    introduce(demo, device, url);
    if (!once) await introducePage(demo, device);
    if (once) {
      await pushOnce(url);
      if (pushes === 0) throw new Error('The push was answered with 201, but it did not arrive.');
    } else {
      const end = await Promise.race([terminated, device.closed]);
      if (end instanceof Error) throw new Error(`The session ended: ${end.message}.`);
    }
  } finally {
    answering.stop();
    await device.close();
  }
}

/** Logs in as a phone does. */
async function connectDevice(
  { app, config }: Demo,
  handlers: Pick<DistributorOptions, 'onPush' | 'onMessage'>,
): Promise<Distributor> {
  const jid = Jid.parse('demo@localhost/phone');
  const password = await addAccount(config, jid.bare().toString(), 18);
  // The server has made it for itself at its start, and finds it there as this does.
  const { cert } = await loadCertificate({ dataDir: config.dataDir, domain: Jid.parse(jid.domain) });
  return startDistributor({ connect: c2sAddress(app), jid, password, certificate: cert, ...handlers });
}

/** Makes an account as an operator does; answers its password, made of so many random bytes. */
async function addAccount(config: Config, jid: string, bytes: number): Promise<string> {
  const password = randomBytes(bytes).toString('base64url');
  await askControl(localConfig(config), { command: 'user.add', args: { jid, password } });
  return password;
}

function c2sAddress({ addresses: { c2s: address } }: App): ListenAddress {
  if (address === undefined) throw new Error('The server does not listen for clients.');
  return address;
}

function introduce({ app, io, once }: Demo, { jid }: Distributor, url: string): void {
  const lines = [
    `Belfry runs: XMPP on ${formatAddress(c2sAddress(app))}, HTTP on ${formatAddress(app.httpAddress)}.`,
    `${jid} is logged in and registered as a UnifiedPush distributor. Its endpoint:`,
    '',
    `  ${url}`,
    '',
    ...(once ? [] : ['Push to it from another terminal:', '', `  curl -d 'Hello' ${url}`, '']),
  ];
  for (const line of lines) io.out(line);
}

/** How to see Web Push in a browser: as another account, which the device answers when its tab is closed. */
async function introducePage({ config, io }: Demo, { jid }: Distributor): Promise<void> {
  const you = 'you@localhost';
  // To be typed by a person, into a server that only this machine reaches and that is gone soon.
  const password = await addAccount(config, you, 6);
  const lines = [
    `For Web Push, open ${config.http.publicUrl}/demo/ in a browser. Log in as ${you} with the password ${password},`,
    `allow notifications, write to ${jid.bare()}, and close the tab: it answers five seconds later.`,
    '',
    'Pushes to the phone are shown here until Ctrl-C.',
    '',
  ];
  for (const line of lines) io.out(line);
}

/** Sends a push as an app server does. It is answered when the device has it. */
async function pushOnce(url: string): Promise<void> {
  const signal = AbortSignal.timeout(onceTimeout);
  const request = fetch(url, { method: 'POST', body: 'Hello from Belfry', signal });
  const response = await request.catch((error: unknown) => {
    const reason = signal.aborted ? `no answer within ${onceTimeout / 1000} seconds` : String(error);
    throw new Error(`The push failed: ${reason}.`, { cause: error });
  });
  const body = await response.text();
  if (response.status !== 201) throw new Error(`The push was answered with ${response.status}: ${body}`);
}
