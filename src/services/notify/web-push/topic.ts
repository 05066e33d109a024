import { createHmac } from 'node:crypto';
import type { Element } from '../../../xmpp/element.js';
import { callSignalIn } from '../../../xmpp/importance.js';
import { bareOf } from '../../../xmpp/jid.js';

/** RFC 8030 §5.4 allows 32 characters: that many bytes in base64url. */
const topicBytes = 24;

/** With whom a stanza is exchanged, as a bare JID: of words of the account itself to others, these. */
export function conversationOf(stanza: Element, account: string): string {
  const from = bareOf(stanza.attr('from') ?? account);
  return from === account ? bareOf(stanza.attr('to') ?? account) : from;
}

/**
 * What a stanza is about. A call and the words beside it are not about the same, nor is a request for presence: one is told of
 * each.
 */
export function topicOf(stanza: Element, account: string): string {
  return `${thingOf(stanza)} ${conversationOf(stanza, account)}`;
}

function thingOf(stanza: Element): 'call' | 'words' | 'request' {
  if (stanza.name === 'presence') return 'request';
  const isOfRoom = stanza.attr('type') === 'groupchat';
  return !isOfRoom && callSignalIn(stanza) !== undefined ? 'call' : 'words';
}

/**
 * The topic by which a push service knows an undelivered message that a newer one replaces (RFC 8030 §5.4). Without the
 * subscription's secret nobody finds out what it stands for, nor that two subscriptions have it in common.
 */
export function sealedTopic(auth: Uint8Array, account: string, about: string): string {
  const hmac = createHmac('sha256', auth).update(`topic\0${account}\0${about}`).digest();
  return hmac.toString('base64url', 0, topicBytes);
}
