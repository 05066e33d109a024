import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority } from '../authority.js';
import { type AttachedWorld, startAttachedWorld } from '../cloud-notify/world.js';
import { type PushService, type PushServiceOptions, startPushService } from '../push-service.js';
import { temporaryFolder } from '../xmpp-server.js';

/** A Belfry, an app server that it publishes to, and the push services of browsers that it sends to. */
export interface BrowserWorld extends AttachedWorld {
  /** The one that browsers use if nothing else is said. */
  readonly pushService: PushService;
  readonly pushServices: PushServices;
}

export interface BrowserSettings {
  /** Further keys of `web_push`. */
  readonly webPush?: Readonly<Record<string, unknown>>;
  /** Further keys of the configuration. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Push services on this machine, which a Belfry with these keys of `web_push` trusts. */
export interface PushServices {
  readonly keys: Readonly<Record<string, unknown>>;
  start(options?: PushServiceOptions): Promise<PushService>;
  /** Nobody listens there any more. */
  stop(service: PushService): Promise<void>;
  close(): Promise<void>;
}

/** A Belfry takes them as they are in `keys`: the authority that they share, and that they are on this machine. */
export async function createPushServices(): Promise<PushServices> {
  const authority = createAuthority();
  const folder = await temporaryFolder('push-services');
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, authority.cert);
  const running = new Set<PushService>();
  const stop = (service: PushService) => {
    running.delete(service);
    return service.close();
  };
  return {
    keys: { ca, allow_private_networks: true },
    async start(options) {
      const service = await startPushService({ authority, ...options });
      running.add(service);
      return service;
    },
    stop,
    async close() {
      await Promise.all([...running].map(stop));
      await rm(folder, { recursive: true });
    },
  };
}

export async function startBrowserWorld({ webPush, more }: BrowserSettings = {}): Promise<BrowserWorld> {
  const pushServices = await createPushServices();
  try {
    const pushService = await pushServices.start();
    const world = await startAttachedWorld({
      more: {
        // Who is there acknowledges soon enough, however slow the machine is.
        smacks: { max_ack_delay: 30 },
        web_push: { ...pushServices.keys, ...webPush },
        ...more,
      },
    });
    return {
      ...world,
      pushService,
      pushServices,
      async close() {
        await world.close();
        await pushServices.close();
      },
    };
  } catch (error) {
    await pushServices.close();
    throw error;
  }
}
