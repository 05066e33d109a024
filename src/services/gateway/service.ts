import type { Host } from '../../hosts/host.js';
import type { Guard } from '../../net/guard.js';
import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { Jid } from '../../xmpp/jid.js';
import type { WebPush } from '../web-push/web-push.js';
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
  void options;
  return { setAcl: () => undefined, stop: async () => undefined };
}
