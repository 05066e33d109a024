import { Jid, JidError } from '../../xmpp/jid.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account } from './account.js';

/** 96 bits: nobody guesses a resource, and with it who is online. */
const madeResourceBytes = 12;

/**
 * The full JID that a session gets (RFC 6120 §7.6, §7.7): with the resource asked for, or with a made one.
 * @throws {StanzaError} `bad-request` if the resource is invalid
 */
export function fullJid(
  account: Jid,
  resource: string | undefined,
  randomBytes: (size: number) => Uint8Array,
): Jid {
  if (resource === undefined) {
    const made = Buffer.from(randomBytes(madeResourceBytes)).toString('base64url');
    return Jid.of(account.local, account.domain, made);
  }
  const jid = resource === '' ? undefined : tryOf(account, resource);
  if (jid === undefined) throw new StanzaError('bad-request', 'The resource is not valid.');
  return jid;
}

function tryOf(account: Jid, resource: string): Jid | undefined {
  try {
    return Jid.of(account.local, account.domain, resource);
  } catch (error) {
    if (error instanceof JidError) return undefined;
    throw error;
  }
}

/**
 * Whether the account may have the session (RFC 6120 §7.6.2.1); one that replaces another always may.
 * @throws {StanzaError} `resource-constraint` if it has as many as it may
 */
export function checkSessionCount(account: Account, resource: string, maxSessions: number): void {
  if (account.sessions.has(resource) || account.sessions.size < maxSessions) return;
  throw new StanzaError('resource-constraint', 'The account has as many sessions as it may have.');
}
