import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, ListenAddress, StandaloneConfig } from './config/config.js';
import { controlSocketName } from './control/protocol.js';
import { pushHandlers } from './control/push-handlers.js';
import { createControlServer } from './control/server.js';
import { userHandlers } from './control/user-handlers.js';
import { type OpenGateway, openGateway } from './gateway.js';
import { type Hosting, openAccounts, openHosting } from './hosting.js';
import type { Host } from './hosts/host.js';
import type { AccountAdmin } from './hosts/standalone/account-admin.js';
import { createHttpServer } from './http/server.js';
import { explainListening } from './listen-error.js';
import { type Notifying, openNotifying } from './notifying.js';
import { createEvents, type Events } from './observability/events.js';
import { createHealth } from './observability/health.js';
import type { Logger } from './observability/logger.js';
import { createMetrics } from './observability/metrics.js';
import { createUnifiedPush, type UnifiedPush } from './services/unified-push/service.js';
import { sweepExpired } from './services/unified-push/sweep.js';
import { createTokens } from './services/unified-push/tokens/tokens.js';
import { openStorage, type Storage } from './storage/open.js';
import { readVersion } from './version.js';
import { openWebPushing, type WebPushing } from './web-pushing.js';

/** How often expired rows are removed, in milliseconds. */
const sweepInterval = 60 * 60 * 1000;

/** A running Belfry. */
export interface App {
  /** Where HTTP listens; the port is the real one if 0 was configured. */
  readonly httpAddress: ListenAddress;
  /** Where others connect to the embedded server; none on a component. */
  readonly addresses: Hosting['addresses'];
  /** Applies what can change while running: ACLs, log level, registration, notifications, certificate. Never rejects. */
  reload(config: Config): Promise<void>;
  /** Answers what is under way, then closes everything in reverse order. */
  stop(): Promise<void>;
}

type Closer = () => Promise<void> | void;

export interface AppOptions {
  readonly logger: Logger;
  /** A command line that does these words of `belfry` on this configuration, for whoever reads the log to copy. */
  readonly command?: (words: readonly string[]) => string;
}

/**
 * Starts everything in order: storage, hosts, services, HTTP. If a step fails, what was opened before is closed and
 * the error is thrown. The XMPP server may be away: its host connects when it can.
 */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const closers: Closer[] = [];
  const stop = () => closeAll(closers);
  try {
    return { ...(await open(config, options, closers)), stop };
  } catch (error) {
    await stop();
    throw explainListening(error, config);
  }
}

async function open(config: Config, options: AppOptions, closers: Closer[]): Promise<Omit<App, 'stop'>> {
  const { logger } = options;
  const version = readVersion();
  const metrics = createMetrics({ version });
  const events = createEvents({ logger, metrics });
  const instance = randomBytes(6).toString('hex');

  const storage = await openStorageFor(config, events, logger);
  closers.push(() => storage.close());

  const hosting = await openHosting(config, { version, instance, storage, events });
  const unifiedPush = await openUnifiedPush(config, hosting.push, storage, events);
  closers.push(() => unifiedPush.stop());
  closers.push(startSweeping(storage, events));
  const webPushing = await openWebPushing(config, { version, storage, events });
  if (webPushing !== undefined) {
    closers.push(() => webPushing.stop());
    metrics.countWebPushesWaiting(() => webPushing.waiting());
  }
  const notifying = openNotifying(config, hosting, { storage, events, webPushing });
  const gateway = await openGateway(config, hosting, { storage, events, webPushing });
  await startHosting(config, hosting, { ...options, notifying, gateway, webPushing, events, closers });

  const health = createHealth({
    checks: {
      host: () => hosting.isConnected,
      storage: () => storage.check().then(() => true),
    },
  });
  const http = createHttpServer({
    ...config.http,
    instance,
    push: unifiedPush.push,
    upgrade: hosting.upgrade,
    health,
    metrics,
    events,
  });
  // A push under way may take as long as its device may.
  closers.push(() => http.stop((config.unifiedPush.pushTimeout + 5) * 1000));
  const httpAddress = await http.start();

  const reload = async (next: Config) => {
    unifiedPush.setAcl(next.unifiedPush.acl);
    logger.setLevel(next.log.level);
    webPushing?.reload(next);
    notifying?.reload(next);
    gateway?.reload(next);
    await hosting.reload(next);
  };
  return { httpAddress, addresses: hosting.addresses, reload };
}

/**
 * Opens the storage of a standalone Belfry that does not run, for work on its accounts; closed afterwards, whatever comes
 * of the work. Throws `StorageOpenError`, and what the work throws.
 */
export async function withAccounts<T>(
  config: Config & { readonly host: StandaloneConfig },
  { logger }: { logger: Logger },
  work: (accounts: AccountAdmin) => Promise<T>,
): Promise<T> {
  const closers: Closer[] = [];
  try {
    const version = readVersion();
    const events = createEvents({ logger, metrics: createMetrics({ version }) });
    const storage = await openStorage(config.storage, { events });
    closers.push(() => storage.close());
    const instance = randomBytes(6).toString('hex');
    const { accounts, close } = openAccounts(config.host, { version, instance, storage, events });
    closers.push(close);
    return await work(accounts);
  } finally {
    await closeAll(closers);
  }
}

async function openStorageFor({ storage }: Config, events: Events, logger: Logger): Promise<Storage> {
  const file = storage.kind === 'sqlite' && !existsSync(storage.file) ? storage.file : undefined;
  const opened = await openStorage(storage, { events });
  if (file !== undefined) logger.info({ file }, 'new database made');
  return opened;
}

interface Surroundings extends AppOptions {
  readonly notifying: Notifying | undefined;
  readonly gateway: OpenGateway | undefined;
  readonly webPushing: WebPushing | undefined;
  readonly events: Events;
  readonly closers: Closer[];
}

/** Starts the host, and beside it, where accounts live here, the door for commands about them. */
async function startHosting(
  config: Config,
  hosting: Hosting,
  { notifying, gateway, webPushing, events, closers, ...options }: Surroundings,
): Promise<void> {
  const { local } = hosting;
  if (local !== undefined) {
    const path = join(config.dataDir, controlSocketName);
    const handlers = {
      ...userHandlers(local.accounts, local.domain),
      ...(notifying && pushHandlers({ ...local, notify: notifying })),
    };
    const control = createControlServer({ path, handlers, events });
    closers.push(() => control.stop());
    // First, because it finds out whether another process has this data_dir.
    await control.start();
  }
  await webPushing?.start();
  closers.push(() => hosting.stop());
  if (notifying !== undefined) closers.push(() => notifying.stop());
  if (gateway !== undefined) closers.push(() => gateway.stop());
  await hosting.start();
  if (local !== undefined) await welcome(config, local, options);
}

/** Tells whoever starts Belfry for the first time what there is now, and what to do next. */
async function welcome(
  { dataDir, host }: Config,
  { domain, accounts }: NonNullable<Hosting['local']>,
  { logger, command = (words) => ['belfry', ...words].join(' ') }: AppOptions,
): Promise<void> {
  for await (const _ of accounts.list()) return;
  const isOwn = host.kind === 'standalone' && host.tls === undefined;
  const certificate = isOwn ? { certificate: `self-signed, ${join(dataDir, 'tls.crt')}` } : {};
  logger.info({ domain: String(domain), dataDir, ...certificate }, 'this XMPP server has no accounts yet');
  logger.info({ command: command(['user', 'add', `you@${domain}`]) }, 'to make an account');
}

async function openUnifiedPush(
  config: Config,
  host: Host,
  { registrations, revocations, keys }: Storage,
  events: Events,
): Promise<UnifiedPush> {
  const { backend, secret, acl, registrationTtl, pushTimeout, rateLimit } = config.unifiedPush;
  const now = Date.now;
  const tokens = await createTokens({ backend, secret, registrations, revocations, keys, now, randomBytes });
  const { publicUrl } = config.http;
  return createUnifiedPush({
    ...{ host, tokens, acl, publicUrl, registrationTtl, pushTimeout, rateLimit },
    ...{ now, randomBytes, events },
  });
}

/** Sweeps at once and then every hour; what it returns ends that, after the sweep under way. */
function startSweeping({ registrations, revocations }: Storage, events: Events): Closer {
  const sweep = () => sweepExpired({ registrations, revocations, now: Date.now, events });
  let underWay = sweep();
  const timer = setInterval(() => {
    underWay = underWay.then(sweep);
  }, sweepInterval);
  return async () => {
    clearInterval(timer);
    await underWay;
  };
}

/** Runs the closers backwards, all of them, then throws the first error. */
async function closeAll(closers: Closer[]): Promise<void> {
  const errors: unknown[] = [];
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
