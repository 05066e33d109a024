import type { Element } from '../../../xmpp/element.js';
import { isInvitation } from '../../../xmpp/invitation.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';

/** Payloads of instant messaging that make a message eligible by themselves (XEP-0184, XEP-0085, XEP-0333). */
const chatPayloads: readonly string[] = [ns.receipts, ns.chatStates, ns.chatMarkers];

/**
 * Whether a message is copied to the account's other devices: the rules of XEP-0280 §6.1, all of which
 * `urn:xmpp:carbons:rules:0` promises. Of errors the caller must know what they answer: the message does not tell, and
 * hints that it quotes mean nothing (XEP-0334 §5). `other` is whom it comes from or goes to.
 *
 * Beyond these rules, `no-copy` (XEP-0334 §4.3) counts without `private` too, and what is, or says that it is, a copy is
 * not copied again.
 */
export function isEligible(message: Element, direction: 'incoming' | 'outgoing', other: Jid): boolean {
  const type = message.attr('type');
  if (type === 'error' || type === 'groupchat' || isKeptPrivate(message)) return false;
  if (isInvitation(message)) return true;
  // The room sends it to each device that has joined.
  if (direction === 'incoming' && other.isFull && message.child('x', ns.mucUser) !== undefined) return false;
  if (type === 'chat' || hasChatPayload(message)) return true;
  return type !== 'headline' && message.child('body') !== undefined;
}

function isKeptPrivate(message: Element): boolean {
  return message.children.some((child) => {
    if (typeof child === 'string') return false;
    return child.ns === ns.carbons || child.is('no-copy', ns.hints);
  });
}

function hasChatPayload(message: Element): boolean {
  return message.children.some((child) => typeof child !== 'string' && chatPayloads.includes(child.ns));
}
