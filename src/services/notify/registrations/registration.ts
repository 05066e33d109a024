import { createHash } from 'node:crypto';
import type { Jid } from '../../../xmpp/jid.js';
import type { Target } from '../channel.js';
import type { Health, StoredRegistration } from '../store.js';

/** A device of an account, as it is kept, and what its channel makes of it. */
export class Registration {
  /** Names its account, channel and address: the same for as long as these are. Nothing can be read out of it. */
  readonly key: string;
  /** The bare JID. */
  readonly account: Jid;
  readonly channel: string;
  readonly address: string;
  /** All that follows changes when it is enabled again; `Registrations` alone writes it, when it is on disk. */
  client: string;
  details: string;
  target: Target;
  /** Unix milliseconds: when it was enabled, or within a day of that. Another one whenever it is written anew. */
  enabledAt: number;
  /** Deliveries in a row that were rejected. */
  failures: number;
  /** Unix milliseconds: since when it rests; undefined while it does not. */
  restsSince: number | undefined;

  constructor(account: Jid, stored: StoredRegistration, target: Target) {
    this.key = keyOf(stored);
    this.account = account;
    this.channel = stored.channel;
    this.address = stored.address;
    this.client = stored.client;
    this.details = stored.details;
    this.target = target;
    this.enabledAt = stored.enabledAt;
    this.failures = stored.failures;
    this.restsSince = stored.restsSince;
  }
}

/**
 * Why a registration went: its client said so; the client has a new address; the account has too many; its channel says that
 * it leads nowhere; who reaches the device said so; the account is gone.
 */
export type Removal = 'client' | 'replaced' | 'too-many' | 'gone' | 'service' | 'account';

/** That of a registration to which all went well. */
export const well: Health = { failures: 0, restsSince: undefined };

export const isWell = ({ failures, restsSince }: Health) => failures === 0 && restsSince === undefined;

/** Whether too many deliveries were rejected: then it is told of nothing, but for an attempt a day. */
export const isResting = ({ restsSince }: Health) => restsSince !== undefined;

/** What events say of a registration: nothing of it is secret. */
export function describe({ account, channel, target }: Registration) {
  return { jid: account.toString(), channel, service: target.service };
}

function keyOf({ account, channel, address }: StoredRegistration): string {
  return createHash('sha256').update(`${account}\0${channel}\0${address}`).digest('base64url');
}
