import type { AccountHost } from '../../../hosts/host.js';
import type { Events } from '../../../observability/events.js';
import { ns } from '../../../xmpp/ns.js';
import type { Registrations } from '../registrations.js';

export interface CloudNotifySettings {
  /** What an important notification says instead of the message's text; empty: it says nothing. */
  readonly importantBody: string;
  /** Whether app servers are told what the newest message says, and from whom it is. */
  readonly withBody: boolean;
  readonly withSender: boolean;
}

export interface CloudNotifyOptions {
  readonly host: AccountHost;
  readonly registrations: Registrations;
  /** Those of the moment. */
  readonly settings: () => CloudNotifySettings;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
}

/** Push notifications through app servers (XEP-0357), with the extensions of Tigase. */
export function createCloudNotify({ host }: CloudNotifyOptions): void {
  host.advertiseAccount({ features: [ns.push] });
}
