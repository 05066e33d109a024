import type { Element, Node } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';

/**
 * The stanza without ids that are said to be given by the address (XEP-0359 §3, rules 2 and 3): nobody but the account
 * itself may claim that, and what it has given is nobody else's business. As it is if it has none.
 */
export function withoutIdsBy(stanza: Element, by: Jid): Element {
  if (!hasIdBy(stanza, by)) return stanza;
  return stanza.withChildren(stanza.children.filter((child) => !isIdBy(child, by)));
}

/** Whether the stanza has an id that is said to be given by the address. */
export function hasIdBy(stanza: Element, by: Jid): boolean {
  for (const child of stanza.children) if (isIdBy(child, by)) return true;
  return false;
}

function isIdBy(child: Node, by: Jid): boolean {
  if (typeof child === 'string' || !child.is('stanza-id', ns.stanzaIds)) return false;
  const given = child.attr('by');
  return given === by.toString() || Jid.tryParse(given)?.equals(by) === true;
}
