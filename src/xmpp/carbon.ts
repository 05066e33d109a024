import type { Element } from './element.js';
import { ns } from './ns.js';

/** The message in a carbon (XEP-0280); one that is not from the own account is none (§11). */
export function carbonOf(message: Element, direction: 'sent' | 'received'): Element | undefined {
  const carbon = message.child(direction, ns.carbons);
  if (carbon === undefined || !isFromOwnAccount(message)) return undefined;
  return carbon.child('forwarded', ns.forward)?.child('message', ns.client);
}

function isFromOwnAccount(message: Element): boolean {
  const to = message.attr('to') ?? '';
  const from = message.attr('from') ?? '';
  return to.startsWith(from) && (to.length === from.length || to[from.length] === '/');
}
