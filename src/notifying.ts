import { randomBytes } from 'node:crypto';
import type { Config } from './config/config.js';
import type { Hosting } from './hosting.js';
import { systemClock } from './hosts/system-clock.js';
import type { Events } from './observability/events.js';
import { createCloudNotify } from './services/notify/cloud-notify/channel.js';
import { createNotify, type Notify } from './services/notify/service.js';
import type { Storage } from './storage/open.js';

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
}

/** Undefined where no accounts live: the XMPP server of a component tells its users' devices by itself. */
export function openNotifying(
  config: Config,
  { local }: Pick<Hosting, 'local'>,
  { storage, events }: NotifyingOptions,
): Notifying | undefined {
  if (config.host.kind === 'component' || local === undefined) return undefined;
  let current = config.host.cloudNotify;
  const { accountHost: host } = local;
  const parts = { host, settings: () => current, now: Date.now, randomBytes, events };
  const notify = createNotify({ ...parts, store: storage.notify, clock: systemClock });
  const { registrations } = notify;
  createCloudNotify({ ...parts, registrations, maxDevices: () => current.maxDevices });
  return {
    registrations,
    ping: (registration) => notify.ping(registration),
    reload({ host: next }) {
      if (next.kind === 'standalone') current = next.cloudNotify;
    },
    stop: () => notify.stop(),
  };
}
