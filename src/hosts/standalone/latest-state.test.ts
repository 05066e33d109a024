import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { message, presence } from '../../xmpp/stanza.js';
import { stateKey } from './latest-state.js';

const ben = { from: 'ben@example.org/pc', to: 'ana@example.org/phone' };
const eve = { ...ben, from: 'eve@example.org/pc' };
const state = (name: string) => el(name, ns.chatStates);
const chat = (attrs: typeof ben, ...children: Element[]) => message({ ...attrs, type: 'chat' }, ...children);
const carbon = (direction: string, carried: Element, from = 'ana@example.org') =>
  chat({ ...ben, from }, el(direction, ns.carbons, {}, el('forwarded', ns.forward, {}, carried)));
const event = (attrs: typeof ben, node: string, ...children: Element[]) =>
  message(
    { ...attrs, type: 'headline' },
    el('event', ns.pubsubEvent, {}, el('items', ns.pubsubEvent, { node }, ...children)),
  );
const item = (id?: string, name = 'item') => el(name, ns.pubsubEvent, { id });
const tune = 'http://jabber.org/protocol/tune';
const bookmarks = 'urn:xmpp:bookmarks:1';
const body = el('body', ns.client, {}, 'hello');

describe('stateKey', () => {
  it.each([
    ['presence and its end', presence(ben), presence({ ...ben, type: 'unavailable' })],
    ['chat states', chat(ben, state('composing')), chat(ben, state('paused'))],
    [
      'chat states with a thread, ids and hints',
      chat(ben, state('composing'), el('thread', ns.client, {}, 't'), el('no-store', ns.hints)),
      chat(ben, state('active'), el('origin-id', ns.stanzaIds, { id: '1' })),
    ],
    [
      'copies of chat states',
      carbon('received', chat(ben, state('composing'))),
      carbon('received', chat(ben, state('gone'))),
    ],
    [
      'an item and its retraction',
      event(ben, bookmarks, item('a')),
      event(ben, bookmarks, item('a', 'retract')),
    ],
    [
      'items of a node for one, whatever they are called',
      event(ben, tune, item('a')),
      event(ben, tune, item()),
    ],
  ])('is the same of %s', (_, first, second) => {
    expect(stateKey(first)).toBeDefined();
    expect(stateKey(second)).toBe(stateKey(first));
  });

  it.each([
    ['presence of others', presence(ben), presence(eve)],
    ['chat states of others', chat(ben, state('active')), chat(eve, state('active'))],
    [
      'a chat state and a copy of one',
      chat(ben, state('active')),
      carbon('received', chat(ben, state('active'))),
    ],
    [
      'copies of conversations with others',
      carbon('received', chat(ben, state('active'))),
      carbon('received', chat(eve, state('active'))),
    ],
    [
      'a copy and what a contact passes off as one',
      carbon('received', chat(ben, state('active'))),
      carbon('received', chat(ben, state('active')), eve.from),
    ],
    ['other items', event(ben, bookmarks, item('a')), event(ben, bookmarks, item('b'))],
    ['items of other nodes', event(ben, tune, item('a')), event(ben, bookmarks, item('a'))],
    ['items of others', event(ben, tune, item('a')), event(eve, tune, item('a'))],
    [
      'an item of a node for one and the retraction of the one before',
      event(ben, tune, item('b')),
      event(ben, tune, item('a', 'retract')),
    ],
  ])('is another of %s', (_, first, second) => {
    expect(stateKey(first)).toBeDefined();
    expect(stateKey(second)).toBeDefined();
    expect(stateKey(second)).not.toBe(stateKey(first));
  });

  it.each([
    ['text', chat(ben, body)],
    ['text with a chat state', chat(ben, state('active'), body)],
    ['a receipt with a chat state', chat(ben, state('active'), el('received', ns.receipts, { id: '1' }))],
    ['nothing', chat(ben)],
    ['a subscription', presence({ ...ben, type: 'subscribe' })],
    ['presence that came back', presence({ ...ben, type: 'error' })],
    ['several items', event(ben, bookmarks, item('a'), item('b'))],
    ['items without a name', event(ben, bookmarks, item())],
    ['no items', event(ben, bookmarks)],
    ['a headline', message({ ...ben, type: 'headline' }, body)],
    [
      'a node that is emptied',
      message({ ...ben, type: 'headline' }, el('event', ns.pubsubEvent, {}, el('purge', ns.pubsubEvent))),
    ],
    ['an iq', el('iq', ns.client, { ...ben, type: 'get', id: '1' })],
  ])('there is none of %s', (_, stanza) => {
    expect(stateKey(stanza)).toBeUndefined();
  });
});
