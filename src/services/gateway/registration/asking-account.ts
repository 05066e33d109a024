import { stanzaErrorFor } from '../../../errors.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Acl } from '../../acl.js';

/**
 * The account that a command is for: whoever asks for it, as a bare JID. From which of its sessions does not matter: what is
 * published later on is for the account, and the list is asked about that again.
 * @throws {StanzaError} if it may not use the service; a server has no devices
 */
export function askingAccount(from: Jid, acl: Acl): string {
  const account = from.bare();
  if (account.local === '' || !acl(account)) throw stanzaErrorFor('not-permitted');
  return account.toString();
}
