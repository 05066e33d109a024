import { Jid, JidError } from '../../xmpp/jid.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import type { Account } from './account.js';
import type { Session } from './session.js';
import { ManagedLink } from './stream-management/managed-link.js';

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
 * The session that has to go so that the account may have another one: of the same resource, or, if it has as many as it
 * may, the one that has waited for its client for longest (XEP-0198).
 * @throws {StanzaError} `resource-constraint` if it has as many as it may and none waits (RFC 6120 §7.6.2.1)
 */
export function sessionToReplace(
  account: Account,
  resource: string,
  maxSessions: number,
): Session | undefined {
  const same = account.sessions.get(resource);
  if (same !== undefined || account.sessions.size < maxSessions) return same;
  const longest = longestAsleep(account.sessions.values());
  if (longest !== undefined) return longest;
  throw new StanzaError('resource-constraint', 'The account has as many sessions as it may have.');
}

function longestAsleep(sessions: Iterable<Session>): Session | undefined {
  let longest: { readonly session: Session; readonly since: number } | undefined;
  for (const session of sessions) {
    const { link } = session;
    if (!(link instanceof ManagedLink) || !link.isHibernating) continue;
    const since = link.asleepSince;
    if (longest === undefined || since < longest.since) longest = { session, since };
  }
  return longest?.session;
}
