import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';

/** Whatever is in these says something that belongs to a conversation, text or not. */
const telling: ReadonlySet<string> = new Set([
  ns.omemo,
  ns.omemo2,
  ns.pgp,
  ns.openpgp,
  ns.explicitEncryption,
  ns.receipts,
  ns.chatMarkers,
  ns.reactions,
  ns.retraction,
  ns.formerRetraction,
  ns.fastening,
  ns.callSignals,
  ns.callInvitations,
  ns.directInvitation,
]);

/**
 * Whether a message belongs into an archive for what it is (XEP-0313 §5.1.1): all that a device which was away has to know
 * to show the conversation as the others do. The sender's hints (XEP-0334) go before what its content says. What is said in
 * rooms is in the archives of the rooms; what is an error is told to whom it concerns.
 */
export function isWorthArchiving(message: Element): boolean {
  const type = message.attr('type');
  if (type === 'groupchat' || type === 'error') return false;
  let isStored = false;
  let isTelling = false;
  for (const child of message.children) {
    if (typeof child === 'string') continue;
    if (child.ns === ns.hints) {
      if (child.name === 'no-store' || child.name === 'no-permanent-store') return false;
      if (child.name === 'store') isStored = true;
    } else if (isContent(child)) isTelling = true;
  }
  return isStored || (isTelling && type !== 'headline');
}

function isContent(child: Element): boolean {
  if (child.ns === ns.client) return child.name === 'body' || child.name === 'subject';
  if (child.ns !== ns.mucUser) return telling.has(child.ns);
  return child.child('invite') !== undefined || child.child('decline') !== undefined;
}
