import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Config } from './config/config.js';
import { systemClock } from './hosts/system-clock.js';
import { readAuthorities } from './net/authorities.js';
import { createGuard, type Guard } from './net/guard.js';
import type { Events } from './observability/events.js';
import { createWebPush } from './services/web-push/service.js';
import type { WebPush } from './services/web-push/web-push.js';
import type { Storage } from './storage/open.js';
import { createSealer } from './web-push/sealer.js';
import { createSender } from './web-push/sender/sender.js';
import { createVapid, createVapidKey } from './web-push/vapid.js';

/** More threads than that encrypt faster than the one that carries stanzas can ask for it. */
const maxWorkers = 3;

/** Messages for browsers, through their push services: for whichever service has something to say. */
export interface WebPushing {
  readonly webPush: WebPush;
  /** Which push services may be sent to. */
  readonly guard: Guard;
  /** How many messages wait on disk. Rejects with the database's error. */
  waiting(): Promise<number>;
  /** Applies other settings, to what happens from now on. */
  reload(config: Config): void;
  /** Takes up what waits from before, once everybody listens who wants to hear what comes of it. */
  start(): Promise<void>;
  /** Ends what is under way, within a bound; what could not be sent is on disk. After whoever sends has stopped. */
  stop(): Promise<void>;
}

export interface WebPushingOptions {
  readonly version: string;
  readonly storage: Pick<Storage, 'keys' | 'webPushQueue'>;
  readonly events: Events;
}

/**
 * Undefined where nobody has anything to say to browsers: on a component without a gateway. Rejects with `TlsError` if the file
 * of authorities cannot be used.
 */
export async function openWebPushing(
  config: Config,
  { version, storage, events }: WebPushingOptions,
): Promise<WebPushing | undefined> {
  if (config.host.kind === 'component' && config.gateway === undefined) return undefined;
  const { contact, allowPrivateNetworks, ca } = config.webPush;
  let current = config.webPush;
  const authorities = ca === undefined ? {} : { ca: await readAuthorities(ca, 'web_push.ca') };
  const privateKey = await storage.keys.getOrCreate('vapid', createVapidKey);
  const vapid = createVapid({ privateKey, contact, now: Date.now });
  const guard = createGuard({ allowPrivateNetworks });
  const sender = createSender({ guard, vapid, ...authorities, userAgent: `Belfry/${version}` });
  const sealer = createSealer({ workers: Math.min(availableParallelism() - 1, maxWorkers) });
  const webPush = createWebPush({
    ...{ sender, sealer, vapid, store: storage.webPushQueue },
    isAlone: isAlone(config),
    settings: () => current,
    ...{ clock: systemClock, now: Date.now, randomBytes, events },
  });
  return {
    webPush,
    guard,
    waiting: () => webPush.waiting(),
    reload: (next) => {
      current = next.webPush;
    },
    start: () => webPush.start(),
    async stop() {
      await webPush.stop();
      await sender.stop();
      await sealer.stop();
    },
  };
}

/** Whether no other process works on the same queue: components may share PostgreSQL. */
function isAlone({ host, storage }: Config): boolean {
  return host.kind === 'standalone' || storage.kind === 'sqlite';
}
