import type { Element } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';

/** Namespaces of what may stand beside a chat state and says nothing by itself. */
const accompanying: readonly string[] = [ns.hints, ns.delay, ns.stanzaIds];

/** Nodes of which each item replaces the one before, whatever its id (XEP-0084, 0107, 0108, 0118, 0080, 0172). */
const singleItemNodes = new Set([
  'urn:xmpp:avatar:metadata',
  'http://jabber.org/protocol/mood',
  'http://jabber.org/protocol/activity',
  'http://jabber.org/protocol/tune',
  'http://jabber.org/protocol/geoloc',
  'http://jabber.org/protocol/nick',
]);

/**
 * Which state a stanza tells of, if it tells of nothing else: of stanzas with the same key, who has the last one knows all
 * that the others said. Presence of a full JID (RFC 6121 §4), the chat state of a conversation (XEP-0085), an item that an
 * account publishes (XEP-0163); undefined for anything else.
 */
export function stateKey(stanza: Element): string | undefined {
  if (stanza.name === 'presence') return presenceKey(stanza);
  if (stanza.name !== 'message') return undefined;
  return stanza.attr('type') === 'headline' ? itemKey(stanza) : chatStateKey(stanza);
}

function presenceKey(presence: Element): string | undefined {
  const type = presence.attr('type');
  return type === undefined || type === 'unavailable' ? `presence\n${presence.attr('from')}` : undefined;
}

function itemKey(message: Element): string | undefined {
  const items = message.child('event', ns.pubsubEvent)?.child('items');
  const [item, ...more] = items?.elements() ?? [];
  if (item === undefined || more.length > 0) return undefined;
  const node = items?.attr('node') ?? '';
  const key = `item\n${message.attr('from')}\n${node}`;
  if (item.name === 'item' && singleItemNodes.has(node)) return key;
  const id = item.attr('id');
  return id === undefined ? undefined : `${key}\n${id}`;
}

/** A carbon (XEP-0280) tells of the conversation that it is a copy from. */
function chatStateKey(message: Element): string | undefined {
  const carbon = message.child('received', ns.carbons) ?? message.child('sent', ns.carbons);
  const said = carbon?.child('forwarded', ns.forward)?.child('message', ns.client) ?? message;
  if (!isChatState(said)) return undefined;
  return `chat\n${message.attr('from')}\n${said.attr('from')}\n${said.attr('to')}`;
}

function isChatState(message: Element): boolean {
  let hasState = false;
  for (const child of message.children) {
    if (typeof child === 'string' || child.is('thread', ns.client)) continue;
    if (child.ns === ns.chatStates) hasState = true;
    else if (!accompanying.includes(child.ns)) return false;
  }
  return hasState;
}
