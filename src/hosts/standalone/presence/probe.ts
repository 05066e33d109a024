import type { Jid } from '../../../xmpp/jid.js';
import { presence } from '../../../xmpp/stanza.js';
import type { Account } from '../account.js';
import { seesUser } from './contact.js';
import type { Outbox } from './outbox.js';

/**
 * Tells somebody who asks whether the account is available (RFC 6121 §4.3.2): contacts that may see its presence hear
 * of each available session, or that there is none; who was sent directed presence, that the session is still there
 * (§4.6.6); others, that they have no subscription.
 */
export function answerProbe(account: Account, from: Jid, outbox: Outbox): void {
  const own = account.jid.toString();
  const prober = from.bare().toString();
  if (prober === own || seesUser(account.contacts.get(prober))) {
    const isAvailable = outbox.tellAvailable(account, from.toString());
    if (!isAvailable) outbox.send(presence({ type: 'unavailable', from: own, to: from.toString() }));
  } else if (!answerAsDirected(account, from, outbox)) {
    refuseProbe(from, account.jid, outbox);
  }
}

/** The same for those whose presence may not be seen and for those who do not exist (RFC 6121 §4.3.2, §8.5.1). */
export function refuseProbe(from: Jid, to: Jid, outbox: Outbox): void {
  const attrs = { from: to.bare().toString(), to: from.bare().toString() };
  outbox.send(presence({ ...attrs, type: 'unsubscribed' }));
}

/** Without what the presence said: that was for the session's contacts, or is not known any longer. */
function answerAsDirected(account: Account, from: Jid, outbox: Outbox): boolean {
  let isKnown = false;
  for (const session of account.sessions.values()) {
    if (!session.directed.has(from.toString()) && !session.directed.has(from.bare().toString())) continue;
    isKnown = true;
    outbox.tell(session, presence({ from: session.jid.toString() }), from.toString());
  }
  return isKnown;
}
