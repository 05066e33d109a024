import { presence } from '../../../xmpp/stanza.js';
import type { Account } from '../account.js';
import type { StoredContact } from '../store.js';
import { seesUser, stateOf } from './contact.js';
import type { Outbox } from './outbox.js';

/**
 * Ends both subscriptions with a contact that is, or is about to be, no contact any longer (RFC 6121 §2.5.2), and
 * whatever either of them asked for.
 */
export function sayFarewell(account: Account, contact: StoredContact, outbox: Outbox): void {
  const { to, from } = stateOf(contact);
  const attrs = { from: account.jid.toString(), to: contact.jid };
  if (seesUser(contact)) outbox.tellUnavailable(account, contact.jid);
  if (from !== 'none') outbox.send(presence({ ...attrs, type: 'unsubscribed' }));
  if (to !== 'none') outbox.send(presence({ ...attrs, type: 'unsubscribe' }));
}
