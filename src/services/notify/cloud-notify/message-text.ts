import type { Element } from '../../../xmpp/element.js';
import { isEncrypted } from '../../../xmpp/importance.js';
import { ns } from '../../../xmpp/ns.js';

/**
 * What a message says to people: its first body that is not empty. Undefined if there is none, and if it is encrypted between
 * the clients: what stands beside that says only that something cannot be read.
 */
export function messageText(stanza: Element): string | undefined {
  if (stanza.name !== 'message' || isEncrypted(stanza)) return undefined;
  for (const child of stanza.children) {
    if (typeof child === 'string' || !child.is('body', ns.client)) continue;
    const text = child.text();
    if (text !== '') return text;
  }
  return undefined;
}
