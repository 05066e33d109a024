import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Content } from './content.js';
import { readSealed } from './read-sealed.js';

/** A notification of Push 2.0. */
export interface Push2Notification {
  /** By which the client is known: here its endpoint, as text. */
  readonly client: string;
  readonly content: Content;
}

/**
 * Reads `<notification/>` (`urn:xmpp:push2:0`). One of the profile that says nothing is a summary without fields.
 * @throws {StanzaError} if it names nobody, or what is encrypted cannot be what it is said to be
 */
export function readPush2(notification: Element): Push2Notification {
  const client = notification.child('client')?.text().trim() ?? '';
  if (client === '') throw new StanzaError('bad-request', 'The <client/> is missing.');
  const priority = notification.child('priority', ns.push2)?.text().trim();
  const isCall = priority === 'high';
  const weight = { isCall, isImportant: isCall || priority !== 'low' };
  const sealed = readSealed(notification);
  if (sealed !== undefined) return { client, content: { kind: 'sealed', ...weight, ...sealed } };
  const nothing = { count: 0, requests: 0, sender: undefined, body: '' };
  return { client, content: { kind: 'summary', ...weight, ...nothing } };
}
