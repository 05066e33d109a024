import type { Guard } from '../../../net/guard.js';
import type { Events } from '../../../observability/events.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Acl } from '../../acl.js';
import type { WebPush } from '../../web-push/web-push.js';
import type { Credentials } from '../credentials.js';
import type { GatewaySettings } from '../settings.js';
import type { GatewayStore } from '../store.js';

export interface RegistrationOptions {
  /** The gateway's JID, which clients name to their servers. */
  readonly domain: Jid;
  readonly store: GatewayStore;
  readonly credentials: Credentials;
  readonly webPush: Pick<WebPush, 'publicKey' | 'withdraw'>;
  /** Which endpoints may be used. */
  readonly guard: Pick<Guard, 'parse' | 'judge'>;
  /** The list of the moment. */
  readonly acl: () => Acl;
  /** Those of the moment. */
  readonly settings: () => Pick<GatewaySettings, 'maxDevices'>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Pick<
    Events,
    'gatewayRegistered' | 'gatewayRefused' | 'gatewayUnregistered' | 'storageFailed'
  >;
}
