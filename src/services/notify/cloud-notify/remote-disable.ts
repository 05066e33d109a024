import { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';

/** An app server says that it takes no more notifications for an account (XEP-0357 §8). */
export interface DisableNotice {
  /** The app server, as the message's sender: all that it may speak for. */
  readonly from: Jid;
  /** Which device; undefined for all that it serves. */
  readonly node: string | undefined;
}

/** Reads such a message; undefined if it is none, or not about the account that it was sent to. */
export function readDisableNotice(account: Jid, message: Element): DisableNotice | undefined {
  const pubsub = message.child('pubsub', ns.pubsub);
  if (pubsub === undefined || message.attr('type') === 'error') return undefined;
  const isRevoked = pubsub.children.some((child) => isRevocation(child, account));
  const from = isRevoked ? Jid.tryParse(message.attr('from')) : undefined;
  return from && { from, node: pubsub.attr('node') };
}

function isRevocation(child: Element | string, account: Jid): boolean {
  if (!(child instanceof Element) || !child.is('affiliation', ns.pubsub)) return false;
  return child.attr('affiliation') === 'none' && Jid.tryParse(child.attr('jid'))?.equals(account) === true;
}
