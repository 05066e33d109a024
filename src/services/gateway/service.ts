import type { Host } from '../../hosts/host.js';
import type { Guard } from '../../net/guard.js';
import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { compileAcl } from '../acl.js';
import { offerCommands } from '../ad-hoc/ad-hoc.js';
import { keyForm } from '../subscriptions/key-form.js';
import type { WebPush } from '../web-push/web-push.js';
import { createCredentials } from './credentials.js';
import { createDeliver } from './publish/deliver.js';
import { createFate } from './publish/fate.js';
import { createPublishes } from './publish/publishes.js';
import { createSettle } from './publish/settle.js';
import { UnderWay } from './publish/under-way.js';
import { gatewayService } from './push-sender.js';
import { createRegistrationCommands, refusedCommands } from './registration/commands.js';
import type { GatewaySettings } from './settings.js';
import type { GatewayStore } from './store.js';

export interface GatewayOptions {
  readonly host: Host;
  readonly store: GatewayStore;
  readonly webPush: WebPush;
  /** Which endpoints may be used. */
  readonly guard: Pick<Guard, 'parse' | 'judge'>;
  /** The key of the installation that nodes and secrets are made by: 32 bytes. */
  readonly key: Uint8Array;
  /** Who may register and be published for; see `acl.ts`. */
  readonly acl: readonly Jid[];
  /** Those of the moment. */
  readonly settings: () => GatewaySettings;
  readonly clock: Clock;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
}

export interface Gateway {
  /** Replaces the list. Registrations of who is no longer on it stay, should it come back. */
  setAcl(acl: readonly Jid[]): void;
  /** Ends what waits for push services: it is in the queue when this resolves. */
  stop(): Promise<void>;
}

/** The app server of XEP-0357 for browsers and whoever else takes Web Push. */
export function createGateway(options: GatewayOptions): Gateway {
  const { host, store, webPush, key, randomBytes } = options;
  let current = compileAcl(options.acl);
  const parts = { ...options, acl: () => current, credentials: createCredentials({ key, randomBytes }) };
  const underWay = new UnderWay(options.clock);
  const fate = createFate(options);
  const deliver = createDeliver({ ...options, fate, underWay });
  const { takeIq, takeMessage } = createPublishes({ ...parts, deliver, underWay });
  const settle = createSettle({ ...options, fate });

  host.advertise({
    identities: [{ category: 'pubsub', type: 'push', name: 'Web Push' }],
    features: [ns.push],
    forms: [keyForm(webPush.publicKey)],
  });
  const commands = createRegistrationCommands({ ...parts, domain: host.domain });
  offerCommands({ host, commands, refused: refusedCommands, randomBytes });
  host.onIq({ type: 'set', ns: ns.pubsub, name: 'pubsub' }, takeIq);
  host.onMessage({ ns: ns.push2, name: 'notification' }, takeMessage);
  webPush.onSettled(gatewayService, (settled) => {
    // What comes to light after that comes to light again.
    if (!underWay.isStopping) void underWay.run(settle(settled));
  });
  webPush.askBefore(gatewayService, async ({ endpoint, reference }) => {
    const registration = await store.find(reference);
    return registration?.endpoint === endpoint;
  });

  return {
    setAcl(acl) {
      current = compileAcl(acl);
    },
    stop: () => underWay.stop(),
  };
}
