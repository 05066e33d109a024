import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Content } from './content.js';
import { fieldText } from './fields.js';
import { readNotification } from './read-notification.js';

/** What a server publishes for a device (XEP-0357 §7). */
export interface Publish {
  readonly node: string;
  /** Undefined if it has none. */
  readonly secret: string | undefined;
  readonly content: Content;
}

/**
 * Reads `<pubsub/>` as the servers there are write it: some have the options in the publish or in its item, most forms are of
 * another type than they should be. Items without a notification are passed over.
 * @throws {StanzaError} if it is no publish of a notification
 */
export function readPublish(pubsub: Element): Publish {
  const [publish] = allNamed(pubsub, 'publish');
  if (publish === undefined) throw badRequest('Only notifications are taken: there is no <publish/>.');
  const node = publish.attr('node') ?? '';
  if (node === '') throw badRequest('The <publish/> names no node.');
  const item = allNamed(publish, 'item').find((one) => notificationIn(one) !== undefined);
  const notification = item && notificationIn(item);
  if (item === undefined || notification === undefined) throw badRequest('There is no <notification/>.');
  return { node, secret: secretOf([pubsub, publish, item]), content: readNotification(notification) };
}

/** Of those that have one, the first. */
function secretOf(places: readonly Element[]): string | undefined {
  for (const place of places) {
    for (const options of allNamed(place, 'publish-options')) {
      const form = options.child('x', ns.dataForms);
      const secret = form && fieldText(form, 'secret');
      if (secret !== undefined) return secret;
    }
  }
  return undefined;
}

const notificationIn = (item: Element) => item.child('notification', ns.push);

/** By the local name alone: what is around a notification is of no interest. */
function allNamed(parent: Element, name: string): Element[] {
  return parent.elements().filter((child) => child.name === name);
}

function badRequest(text: string): StanzaError {
  return new StanzaError('bad-request', text);
}
