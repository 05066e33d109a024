import { randomBytes } from 'node:crypto';
import type { Config, HostConfig, ListenAddress } from './config/config.js';
import { type ComponentHost, createComponentHost } from './hosts/component/component-host.js';
import { createHttpServer } from './http/server.js';
import { createEvents, type Events } from './observability/events.js';
import { createHealth } from './observability/health.js';
import type { Logger } from './observability/logger.js';
import { createMetrics } from './observability/metrics.js';
import { createUnifiedPush, type UnifiedPush } from './services/unified-push/service.js';
import { sweepExpired } from './services/unified-push/sweep.js';
import { createTokens } from './services/unified-push/tokens/tokens.js';
import { openStorage, type Storage } from './storage/open.js';
import { readVersion } from './version.js';
import type { Jid } from './xmpp/jid.js';

/** How often expired rows are removed, in milliseconds. */
const sweepInterval = 60 * 60 * 1000;

/** A running Belfry. */
export interface App {
  /** Where HTTP listens; the port is the real one if 0 was configured. */
  readonly httpAddress: ListenAddress;
  /** Applies what can change while running: the ACL and the log level. */
  reload(config: Config): void;
  /** Answers what is under way, then closes everything in reverse order. */
  stop(): Promise<void>;
}

type Closer = () => Promise<void> | void;

/**
 * Starts everything in order: storage, hosts, services, HTTP. If a step fails, what was opened before is closed and
 * the error is thrown. The XMPP server may be away: its host connects when it can.
 */
export async function startApp(config: Config, { logger }: { logger: Logger }): Promise<App> {
  const closers: Closer[] = [];
  const stop = () => closeAll(closers);
  try {
    return { ...(await open(config, logger, closers)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function open(config: Config, logger: Logger, closers: Closer[]): Promise<Omit<App, 'stop'>> {
  const version = readVersion();
  const metrics = createMetrics({ version });
  const events = createEvents({ logger, metrics });
  const instance = randomBytes(6).toString('hex');

  const storage = await openStorage(config.storage, { events });
  closers.push(() => storage.close());

  const hosts = createHosts(config, { version, instance, events });
  const pushHost = hosts.find((host) => host.domain.equals(config.unifiedPush.jid));
  if (pushHost === undefined) throw new Error(`no host for ${config.unifiedPush.jid}`);
  const unifiedPush = await openUnifiedPush(config, pushHost, storage, events);
  closers.push(() => unifiedPush.stop());
  closers.push(startSweeping(storage, events));
  for (const host of hosts) {
    closers.push(() => host.stop());
    host.start();
  }

  const health = createHealth({
    checks: {
      host: () => hosts.every((host) => host.isConnected),
      storage: () => storage.check().then(() => true),
    },
  });
  const http = createHttpServer({
    ...config.http,
    instance,
    push: unifiedPush.push,
    health,
    metrics,
    events,
  });
  // A push under way may take as long as its device may.
  closers.push(() => http.stop((config.unifiedPush.pushTimeout + 5) * 1000));
  const httpAddress = await http.start();

  const reload = (next: Config) => {
    unifiedPush.setAcl(next.unifiedPush.acl);
    logger.setLevel(next.log.level);
  };
  return { httpAddress, reload };
}

/** One connection for each JID that Belfry is reached at; the component's own comes first. */
function createHosts(
  config: Config,
  { version, instance, events }: { version: string; instance: string; events: Events },
): ComponentHost[] {
  const { jid, connect, secret } = componentOf(config.host);
  const create = (domain: Jid) =>
    createComponentHost({
      jid: domain,
      connect,
      secret,
      processId: instance,
      software: { name: 'Belfry', version },
      events,
    });
  const push = config.unifiedPush.jid;
  return push.equals(jid) ? [create(jid)] : [create(jid), create(push)];
}

function componentOf(host: HostConfig): Extract<HostConfig, { kind: 'component' }> {
  if (host.kind === 'component') return host;
  throw new Error('this version of Belfry runs as a component only: set host: component');
}

async function openUnifiedPush(
  config: Config,
  host: ComponentHost,
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
