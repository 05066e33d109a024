import { type Element, el } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Account } from '../account.js';
import type { Session } from '../session.js';

/**
 * Whether a list of prepared JIDs has an entry for this one (XEP-0191 §5): the address itself, all resources of its bare
 * JID, or all of its domain. No entry comes between the resources of the user whose list it is (§4).
 */
export function isListed(list: ReadonlySet<string>, owner: Jid, jid: Jid): boolean {
  if (list.size === 0 || jid.bare().equals(owner)) return false;
  return list.has(jid.toString()) || list.has(jid.bare().toString()) || list.has(jid.domain);
}

/** Whether the account has blocked this address. */
export function isBlocked(account: Account, jid: Jid): boolean {
  return isListed(account.blocked, account.jid, jid);
}

/** What a session gets that writes to a blocked address (XEP-0191 §3.3). */
class BlockedError extends StanzaError {
  constructor() {
    super('not-acceptable', 'You have blocked this address.', 'cancel');
  }

  override toElement(): Element {
    const error = super.toElement();
    return error.withChildren([...error.children, el('blocked', ns.blockingErrors)]);
  }
}

/** Nobody writes to an address that it has blocked (XEP-0191 §3.3). */
export function judgeOutgoing(session: Session, _stanza: Element, to: Jid): StanzaError | undefined {
  return isBlocked(session.account, to) ? new BlockedError() : undefined;
}

/** To a blocked address the account looks as if it were offline. */
export function judgeIncoming(
  account: Account,
  stanza: Element,
  from: Jid,
): StanzaError | 'drop' | undefined {
  if (!isBlocked(account, from)) return undefined;
  return isAnswered(account, stanza, from) ? new StanzaError('service-unavailable') : 'drop';
}

function isAnswered(account: Account, stanza: Element, from: Jid): boolean {
  const type = stanza.attr('type');
  if (stanza.name === 'iq') return type === 'get' || type === 'set';
  if (stanza.name !== 'message') return false;
  return type !== 'error' && type !== 'headline' && type !== 'groupchat' && !isFromRoom(account, from);
}

/**
 * Whether the address is in a room that one of the account's sessions has entered. The room would put that session out
 * because of an error from it (XEP-0045 §18.1.2), when it was only one occupant who was blocked.
 */
function isFromRoom(account: Account, from: Jid): boolean {
  if (!from.isFull) return false;
  const room = `${from.bare()}/`;
  return [...account.sessions.values()].some((session) =>
    [...session.directed].some((jid) => jid.startsWith(room)),
  );
}
