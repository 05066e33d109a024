import { stanzaErrorFor } from '../../../errors.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Acl } from '../../acl.js';

/**
 * The account that a command is for: whoever asks for it, as a bare JID.
 * @throws {StanzaError} if it may not use the service; a server has no devices
 */
export function askingAccount(from: Jid, acl: Acl): string {
  if (from.local === '' || !acl(from)) throw stanzaErrorFor('not-permitted');
  return from.bare().toString();
}
