import { createHmac } from 'node:crypto';
import type { Events } from '../../../observability/events.js';
import { Jid } from '../../../xmpp/jid.js';
import type { AccountStore, Credentials, ScramKeys } from '../store.js';
import { hashBytes, iterationCount, type ScramHash, saltBytes } from './credentials.js';

/** Whom somebody claims to be, and what to check that against. */
export interface Claimant {
  readonly jid: Jid;
  /** The account's; undefined if there is no such account, and no proof may count. */
  readonly id: number | undefined;
  readonly credentials: Credentials;
}

/** Resolves to undefined if the store fails. */
export type FindClaimant = (jid: Jid) => Promise<Claimant | undefined>;

export interface ClaimantOptions {
  readonly accounts: AccountStore;
  readonly secret: Uint8Array;
  readonly events: Events;
}

/** The account that a user name means: a localpart, or its bare JID. Undefined if it is none of that domain. */
export function claimedJid(username: string, domain: Jid): Jid | undefined {
  const jid = Jid.tryParse(username.includes('@') ? username : `${username}@${domain}`);
  const isAccount = jid !== undefined && jid.local !== '' && !jid.isFull && jid.domain === domain.domain;
  return isAccount ? jid : undefined;
}

/** Whether an authorization identity is that of the account itself, or none: nobody acts for others. */
export function mayActAs(authzid: string | undefined, jid: Jid): boolean {
  return authzid === undefined || Jid.tryParse(authzid)?.equals(jid) === true;
}

/**
 * Finds accounts, or makes up what only looks like one: salts that are the same at each attempt and that nobody without
 * the secret can tell from others, so that strangers do not learn who has an account. They are made up in any case,
 * because time tells too.
 */
export function claimants({ accounts, secret, events }: ClaimantOptions): FindClaimant {
  return async (jid) => {
    const invented = inventCredentials(jid.toString(), secret);
    try {
      const stored = await accounts.find(jid.toString());
      return { jid, id: stored?.id, credentials: stored?.credentials ?? invented };
    } catch (error) {
      events.storageFailed({ what: 'authentication', error });
      return undefined;
    }
  };
}

function inventCredentials(name: string, secret: Uint8Array): Credentials {
  return { sha1: inventKeys('sha1', name, secret), sha256: inventKeys('sha256', name, secret) };
}

function inventKeys(hash: ScramHash, name: string, secret: Uint8Array): ScramKeys {
  const salt = createHmac('sha256', secret).update(`${hash} ${name}`).digest().subarray(0, saltBytes);
  const key = new Uint8Array(hashBytes[hash]);
  return { salt, iterations: iterationCount, storedKey: key, serverKey: key };
}
