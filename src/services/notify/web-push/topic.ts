import type { Element } from '../../../xmpp/element.js';
import { callSignalIn } from '../../../xmpp/importance.js';
import { bareOf } from '../../../xmpp/jid.js';

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
