import type { Element } from '../../xmpp/element.js';
import { bodyOf, isEncrypted } from '../../xmpp/importance.js';

/**
 * What a message says to people: its first body that is not empty. Undefined if there is none, and if it is encrypted between
 * the clients: what stands beside that says only that something cannot be read.
 */
export function messageText(stanza: Element): string | undefined {
  return stanza.name !== 'message' || isEncrypted(stanza) ? undefined : bodyOf(stanza);
}
