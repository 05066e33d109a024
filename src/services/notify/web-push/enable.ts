import type { OutgoingUrl } from '../../../net/outgoing-url.js';
import type { Subscription } from '../../../web-push/subscription.js';
import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { readOffered } from '../../subscriptions/offered.js';

/** What an `<enable/>` asks for. */
export interface EnableRequest {
  readonly subscription: Subscription;
  /** By `<unimportant/>`: whether the client is told of what is worth no more than a look, too. */
  readonly wantsUnimportant: boolean;
}

/**
 * Reads `<enable/>` (`urn:xmpp:webpush:0`). What is in it that nobody here knows is passed over.
 * @throws {StanzaError} if something is missing, or is not what it should be
 */
export function readEnable(enable: Element, parseUrl: (text: string) => OutgoingUrl): EnableRequest {
  const texts = {
    endpoint: required(enable, 'endpoint'),
    auth: required(enable, 'auth'),
    p256dh: required(enable, 'p256dh'),
  };
  const wantsUnimportant = enable.child('unimportant', ns.webPush) !== undefined;
  return { subscription: readOffered(texts, parseUrl), wantsUnimportant };
}

/**
 * Reads `<disable/>`: the endpoint as it was kept when it was enabled, or undefined for all of the account. One that could not
 * have been enabled is nobody's.
 */
export function readDisable(disable: Element, parseUrl: (text: string) => OutgoingUrl): string | undefined {
  const text = disable.child('endpoint', ns.webPush)?.text().trim();
  if (text === undefined) return undefined;
  const url = parseUrl(text);
  return url.kind === 'url' ? url.href : text;
}

function required(enable: Element, name: 'endpoint' | 'auth' | 'p256dh'): string {
  const text = enable.child(name, ns.webPush)?.text().trim();
  if (text !== undefined && text !== '') return text;
  throw new StanzaError('bad-request', `The <${name}/> is missing.`);
}
