import { randomBytes } from 'node:crypto';
import type { Config } from './config/config.js';
import type { Hosting } from './hosting.js';
import { systemClock } from './hosts/system-clock.js';
import { readInstallationKey } from './installation-key.js';
import type { Events } from './observability/events.js';
import { createGateway } from './services/gateway/service.js';
import type { Storage } from './storage/open.js';
import type { WebPushing } from './web-pushing.js';

/** The app server of other XMPP servers is open. */
export interface OpenGateway {
  /** Applies other settings, to what happens from now on. */
  reload(config: Config): void;
  /** Ends what waits for push services: it is on disk when this resolves. Before the host and Web Push stop. */
  stop(): Promise<void>;
}

export interface OpenGatewayOptions {
  readonly storage: Pick<Storage, 'keys' | 'gateway'>;
  readonly events: Events;
  readonly webPushing: Pick<WebPushing, 'webPush' | 'guard'> | undefined;
}

/** Undefined where the configuration has no gateway. Rejects with the database's error. */
export async function openGateway(
  config: Config,
  { gateway: host }: Pick<Hosting, 'gateway'>,
  { storage, events, webPushing }: OpenGatewayOptions,
): Promise<OpenGateway | undefined> {
  if (config.gateway === undefined || host === undefined || webPushing === undefined) return undefined;
  const { acl } = config.gateway;
  let current = settingsOf(config, config.gateway);
  const gateway = createGateway({
    ...{ host, store: storage.gateway, ...webPushing, acl },
    key: await readInstallationKey(storage, 'gateway'),
    settings: () => current,
    ...{ clock: systemClock, now: Date.now, randomBytes, events },
  });
  return {
    reload(next) {
      // That there is none any more is for a restart.
      if (next.gateway === undefined) return;
      current = settingsOf(next, next.gateway);
      gateway.setAcl(next.gateway.acl);
    },
    stop: () => gateway.stop(),
  };
}

function settingsOf({ webPush: { ttl } }: Config, { maxDevices, rateLimit }: NonNullable<Config['gateway']>) {
  return { maxDevices, rateLimit, ttl };
}
