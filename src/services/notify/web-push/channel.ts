import type { AccountHost } from '../../../hosts/host.js';
import type { Guard } from '../../../net/guard.js';
import type { Events } from '../../../observability/events.js';
import type { WebPush } from '../../web-push/web-push.js';
import type { Notify } from '../service.js';
import type { WebPushChannelSettings } from './settings.js';

export interface WebPushChannelOptions {
  readonly host: AccountHost;
  readonly notify: Pick<Notify, 'registrations' | 'settle'>;
  readonly webPush: WebPush;
  /** Which endpoints may be used. */
  readonly guard: Pick<Guard, 'parse' | 'judge'>;
  /** Those of the moment. */
  readonly settings: () => WebPushChannelSettings;
  /** Registrations that an account may have, at the moment. */
  readonly maxDevices: () => number;
  readonly events: Pick<Events, 'deviceRefused' | 'storageFailed'>;
}

/** Notifications for browsers that are not connected, by Web Push (`urn:xmpp:webpush:0`). */
export function createWebPushChannel({ notify, maxDevices }: WebPushChannelOptions): void {
  notify.registrations.addChannel({ name: 'web-push', maxDevices, open: () => undefined });
}
