import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';

/** Namespaces of what says nothing without something else beside it. */
const accompanying: readonly string[] = [ns.chatStates, ns.hints, ns.delay, ns.stanzaIds];

/**
 * Whether a message is kept for an account that is offline (XEP-0160 §3, RFC 6121 §8.5.2.2.1), `refused` if it goes back
 * to its sender. The sender's hints (XEP-0334) go before what its content says: `no-permanent-store` is about archives
 * and means nothing here.
 */
export function isWorthKeeping(message: Element): 'keep' | 'dropped' | 'refused' {
  const type = message.attr('type');
  if (type === 'groupchat') return 'refused';
  if (type === 'error' || hasHint(message, 'no-store')) return 'dropped';
  if (hasHint(message, 'store')) return 'keep';
  return type !== 'headline' && message.elements().some(isContent) ? 'keep' : 'dropped';
}

function hasHint(message: Element, name: string): boolean {
  return message.child(name, ns.hints) !== undefined;
}

function isContent(child: Element): boolean {
  return !accompanying.includes(child.ns) && !child.is('thread', ns.client);
}
