import { randomBytes } from 'node:crypto';
import type { Config, StandaloneConfig } from './config/config.js';
import type { Hosting } from './hosting.js';
import { systemClock } from './hosts/system-clock.js';
import type { Events } from './observability/events.js';
import { createCloudNotify } from './services/notify/cloud-notify/channel.js';
import { createNotify, type Notify } from './services/notify/service.js';
import { createWebPushChannel } from './services/notify/web-push/channel.js';
import type { Storage } from './storage/open.js';
import type { WebPushing } from './web-pushing.js';

/** Devices of the accounts here are told of what waits for them while they sleep. */
export interface Notifying extends Pick<Notify, 'registrations' | 'ping'> {
  /** Applies other settings, to what happens from now on. */
  reload(config: Config): void;
  /** Tells what is being collected at once, and waits for the answers within a bound. Before the host stops. */
  stop(): Promise<void>;
}

export interface NotifyingOptions {
  readonly storage: Pick<Storage, 'notify'>;
  readonly events: Events;
  /** The way to browsers; undefined: there is none. */
  readonly webPushing: Pick<WebPushing, 'webPush' | 'guard'> | undefined;
}

/** Undefined where no accounts live: the XMPP server of a component tells its users' devices by itself. */
export function openNotifying(
  config: Config,
  { local }: Pick<Hosting, 'local'>,
  { storage, events, webPushing }: NotifyingOptions,
): Notifying | undefined {
  if (config.host.kind === 'component' || local === undefined) return undefined;
  let current = settingsOf(config, config.host);
  const { accountHost: host } = local;
  const parts = { host, settings: () => current.cloudNotify, now: Date.now, randomBytes, events };
  const notify = createNotify({ ...parts, store: storage.notify, clock: systemClock });
  const { registrations } = notify;
  createCloudNotify({ ...parts, registrations, maxDevices: () => current.cloudNotify.maxDevices });
  if (webPushing !== undefined) {
    createWebPushChannel({
      ...{ host, notify, ...webPushing, now: parts.now, events },
      settings: () => current.webPush,
      maxDevices: () => current.webPush.maxDevices,
    });
  }
  return {
    registrations,
    ping: (registration) => notify.ping(registration),
    reload(next) {
      if (next.host.kind === 'standalone') current = settingsOf(next, next.host);
    },
    stop: () => notify.stop(),
  };
}

function settingsOf({ webPush: { ttl } }: Config, { cloudNotify, webPush }: StandaloneConfig) {
  return { cloudNotify, webPush: { ...webPush, ttl } };
}
