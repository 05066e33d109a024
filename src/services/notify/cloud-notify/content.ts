import type { Element } from '../../../xmpp/element.js';
import { isEncrypted } from '../../../xmpp/importance.js';
import { bareOf } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { fitJson } from '../../text/fit-json.js';
import { messageText } from '../../text/message-text.js';
import type { Notification } from '../channel.js';

/** What a device reads of an encrypted notification (tigase:push:encrypt:0 §4.4). The order is that of the text. */
interface Content {
  readonly unread: number;
  readonly type: 'chat' | 'groupchat' | 'subscribe' | 'call';
  /** The bare JID; of who calls, the full one. The account's own if nobody has sent anything. */
  readonly sender: string;
  readonly nickname?: string;
  /** Of a call: the id of its session. */
  readonly sid?: string;
  /** What a call begins with. A device stops ringing when it hears of a call without it. */
  readonly media?: readonly string[];
  readonly message?: string;
}

/** What goes after the message if there is no room for all of it. */
const expendable = ['nickname', 'media', 'sid', 'sender'] as const;

const encryptedMessage = 'Encrypted message';
const rtpDescription = 'urn:xmpp:jingle:apps:rtp:1';

/**
 * What is encrypted for the device, as JSON of at most so many bytes: the message is cut at the end, at a character. What is
 * still too long, an address of two thousand bytes for instance, is left out.
 */
export function contentText(notification: Notification, maxBytes: number): string {
  return fitJson(contentOf(notification), 'message', expendable, maxBytes);
}

function contentOf({ stanza, account, count: unread }: Notification): Content {
  const from = stanza?.attr('from') ?? account.toString();
  if (stanza?.name !== 'message') return { unread, type: typeOfRest(stanza), sender: bareOf(from) };
  const signal = callSignalOf(stanza);
  if (signal !== undefined) return { unread, type: 'call', sender: from, ...aboutCall(signal) };
  const common = { unread, sender: bareOf(from), ...aboutText(stanza) };
  if (!isOfRoom(stanza)) return { ...common, type: 'chat' };
  const nickname = from.slice(bareOf(from).length + 1);
  return { ...common, type: 'groupchat', ...(nickname !== '' && { nickname }) };
}

/** Of what is no message only one kind has a name; a device shows the others as it shows a message without text. */
function typeOfRest(stanza: Element | undefined): 'subscribe' | 'chat' {
  return stanza?.name === 'presence' && stanza.attr('type') === 'subscribe' ? 'subscribe' : 'chat';
}

/** What a message says of a call (XEP-0353). Rooms call nobody. */
export function callSignalOf(stanza: Element): Element | undefined {
  if (isOfRoom(stanza)) return undefined;
  return stanza.elements().find((child) => child.ns === ns.callSignals);
}

const isOfRoom = (stanza: Element) => stanza.attr('type') === 'groupchat';

function aboutCall(signal: Element): Pick<Content, 'sid' | 'media'> {
  const sid = signal.attr('id') ?? '';
  return { sid, ...(signal.name === 'propose' && { media: mediaOf(signal) }) };
}

function mediaOf(proposal: Element): readonly string[] {
  const offered = proposal.elements().filter((child) => child.is('description', rtpDescription));
  return ['audio', 'video'].filter((media) => offered.some((one) => one.attr('media') === media));
}

function aboutText(stanza: Element): Pick<Content, 'message'> {
  const message = isEncrypted(stanza) ? encryptedMessage : messageText(stanza);
  return message === undefined ? {} : { message };
}
