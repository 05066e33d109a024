import { el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';

/**
 * What is wrong with a request for a command (XEP-0050 §4.4): an action that nobody knows, or that cannot be done now; what was
 * submitted; the session.
 */
type CommandFault = 'malformed-action' | 'bad-action' | 'bad-payload' | 'bad-sessionid';

/** The error reply to a request for a command that has such a fault: `bad-request`, with the fault in the commands' words. */
export function commandError(fault: CommandFault, text: string): StanzaError {
  return new StanzaError('bad-request', text, 'modify', el(fault, ns.commands));
}
