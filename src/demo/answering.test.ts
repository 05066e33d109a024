import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Element, el } from '../xmpp/element.js';
import { ns } from '../xmpp/ns.js';
import { message } from '../xmpp/stanza.js';
import { type Answering, createAnswering } from './answering.js';

let answering: Answering;
let sent: Element[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  answering = createAnswering();
  sent = [];
});
afterEach(() => {
  answering.stop();
  vi.useRealTimers();
});

function take(text: string, type = 'chat', from: string | undefined = 'ana@example.org/demo.1') {
  const incoming = message({ to: 'demo@localhost' }, el('body', ns.client, {}, text));
  answering.take(incoming.withAttrs({ from, type }), (stanza) => sent.push(stanza));
}

it('answers the account five seconds later', () => {
  take('Hello');
  vi.advanceTimersByTime(4_999);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(1);
  const [answer] = sent;
  expect(answer?.attrs).toMatchObject({ to: 'ana@example.org', type: 'chat' });
  expect(answer?.child('body')?.text()).toBe('You have written: Hello');
});

it.each(['error', 'groupchat', 'headline'])('answers no %s', (type) => {
  take('Hello', type);
  vi.runAllTimers();
  expect(sent).toEqual([]);
});

it('answers nothing that says nothing, or comes from nowhere', () => {
  take('');
  take('Hello', 'chat', 'not@a@jid');
  vi.runAllTimers();
  expect(sent).toEqual([]);
});

it('owes ten answers at most, and none after its end', () => {
  for (let count = 0; count < 11; count++) take(String(count));
  vi.runAllTimers();
  expect(sent).toHaveLength(10);
  take('once more');
  answering.stop();
  vi.runAllTimers();
  expect(sent).toHaveLength(10);
});
