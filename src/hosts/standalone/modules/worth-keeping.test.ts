import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { isWorthKeeping } from './worth-keeping.js';

const message = (type: string | undefined, ...children: (Element | string)[]) =>
  el('message', ns.client, { type }, ...children);
const body = el('body', ns.client, {}, 'hello');
const hint = (name: string) => el(name, ns.hints);
const composing = el('composing', ns.chatStates);

describe('isWorthKeeping', () => {
  it.each([
    ['text', message('chat', body)],
    ['text without a type', message(undefined, body)],
    ['text of type normal', message('normal', body)],
    ['text of an unknown type, which is a normal one', message('x', body)],
    ['text with a chat state', message('chat', composing, body)],
    ['an invitation without a body', message(undefined, el('x', 'jabber:x:conference', { jid: 'a@b' }))],
    ['a receipt', message('chat', el('received', 'urn:xmpp:receipts', { id: '1' }))],
    ['a subject', message(undefined, el('subject', ns.client, {}, 's'))],
    ['what is not to be archived', message('chat', body, hint('no-permanent-store'))],
    ['a chat state that is to be kept', message('chat', composing, hint('store'))],
    ['a headline that is to be kept', message('headline', body, hint('store'))],
  ])('keeps %s', (_, stanza) => {
    expect(isWorthKeeping(stanza)).toBe('keep');
  });

  it.each([
    ['a headline', message('headline', body)],
    ['an error', message('error', body)],
    ['an error with a hint', message('error', body, hint('store'))],
    ['a chat state', message('chat', composing)],
    [
      'a chat state with a thread and ids',
      message(
        'chat',
        el('thread', ns.client, {}, 't'),
        composing,
        el('origin-id', ns.stanzaIds, { id: 'i' }),
      ),
    ],
    ['text that is not to be kept', message('chat', body, hint('no-store'))],
    ['text with hints that contradict each other', message('chat', body, hint('store'), hint('no-store'))],
    ['nothing', message('chat')],
    ['white space', message(undefined, '\n')],
  ])('drops %s', (_, stanza) => {
    expect(isWorthKeeping(stanza)).toBe('dropped');
  });

  it('returns what is for a room', () => {
    expect(isWorthKeeping(message('groupchat', body))).toBe('refused');
    expect(isWorthKeeping(message('groupchat', body, hint('store')))).toBe('refused');
  });
});
