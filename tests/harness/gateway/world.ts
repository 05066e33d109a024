import { type Belfry, startBelfry } from '../belfry.js';
import { FakeComponentServer } from '../fake-component-server.js';
import type { PushService, TestSubscription } from '../push-service.js';
import { createPushServices, type PushServices } from '../web-push/world.js';
import { type Credentials, credentialsIn, register } from './requests.js';

/** A registration, and the browser that it is for. */
export interface Registered extends Credentials {
  /** A bare JID. */
  readonly account: string;
  readonly device: string;
  readonly subscription: TestSubscription;
}

export interface GatewaySettings {
  /** Keys of `gateway`. */
  readonly gateway?: Readonly<Record<string, unknown>>;
  /** Keys of `web_push`. */
  readonly webPush?: Readonly<Record<string, unknown>>;
  readonly storage?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A Belfry that is a component, and the server that it is one of: that says whatever a test wants it to say. */
export interface GatewayPlace {
  readonly server: FakeComponentServer;
  readonly belfry: Belfry;
  /** Registers a browser for an account, as a client of its. */
  register(account: string, subscription: TestSubscription, device?: string): Promise<Registered>;
  stop(): Promise<void>;
}

/** The same with push services that it trusts. */
export interface GatewayWorld extends GatewayPlace {
  /** The one that browsers use if nothing else is said. */
  readonly pushService: PushService;
  readonly pushServices: PushServices;
}

export async function startGatewayPlace({
  gateway,
  webPush,
  storage,
  env,
}: GatewaySettings): Promise<GatewayPlace> {
  const server = new FakeComponentServer();
  await server.start();
  const { domain: jid, secret, port } = server;
  try {
    const belfry = await startBelfry({
      component: { jid, secret, port },
      backend: 'storage',
      more: { ...(gateway && { gateway }), ...(webPush && { web_push: webPush }) },
      ...(storage !== undefined && { storage }),
      ...(env !== undefined && { env }),
    });
    return {
      server,
      belfry,
      async register(account, subscription, device = 'marked device') {
        const request = register(subscription, device);
        const answer = await server.current.ask('set', `${account}/browser`, request);
        return { ...credentialsIn(answer), account, device, subscription };
      },
      async stop() {
        await belfry.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

export async function startGatewayWorld(settings: GatewaySettings = {}): Promise<GatewayWorld> {
  const pushServices = await createPushServices();
  try {
    const pushService = await pushServices.start();
    const webPush = { ...pushServices.keys, ...settings.webPush };
    const place = await startGatewayPlace({ ...settings, webPush });
    return {
      ...place,
      pushService,
      pushServices,
      async stop() {
        await place.stop();
        await pushServices.close();
      },
    };
  } catch (error) {
    await pushServices.close();
    throw error;
  }
}
