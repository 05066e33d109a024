import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notification, publish } from '../../../../tests/harness/gateway/requests.js';
import { Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { readPublish } from './read-publish.js';
import { readPush2 } from './read-push2.js';

const pubsub = (...children: Element[]) => el('pubsub', ns.pubsub, {}, ...children);
const item = (...children: Element[]) => el('item', ns.pubsub, {}, ...children);
const encrypted = (text: string, attrs: Record<string, string> = { iv: 'AAAA' }) =>
  el('encrypted', ns.pushEncryption, attrs, text);
const sealed = (text: string) =>
  el('encrypted', ns.sealedEnvelope, {}, el('payload', ns.sealedEnvelope, {}, text));
const inNotification = (...children: Element[]) => publish('n', 's', notification(undefined, ...children));
const base64 = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64');

function thrown(read: () => unknown): unknown {
  try {
    read();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('what is no publish of a notification is a bad request', () => {
  it.each([
    ['nothing', pubsub()],
    ['another request', pubsub(el('subscribe', ns.pubsub, { node: 'n', jid: 'ana@example.org' }))],
    ['no node', publish(undefined, 's')],
    ['an empty node', publish('', 's')],
    ['no item', pubsub(el('publish', ns.pubsub, { node: 'n' }))],
    ['an empty item', pubsub(el('publish', ns.pubsub, { node: 'n' }, item()))],
    [
      'an item with something else',
      pubsub(el('publish', ns.pubsub, { node: 'n' }, item(el('tune', 'tune')))),
    ],
    ['a notification of another kind', publish('n', 's', el('notification', 'urn:xmpp:push:1'))],
    ['encrypted content without iv', inNotification(encrypted('q83v', {}))],
    ['encrypted content without content', inNotification(encrypted(' '))],
    ['a sealed message without content', inNotification(sealed(''))],
    ['a sealed message that is not base64', inNotification(sealed('n\0t b@se64'))],
    ['a sealed message with padding within', inNotification(sealed('AA==AAAA'))],
    ['a sealed message of 4,097 bytes', inNotification(sealed(base64(4_097)))],
    ['a sealed message of 64 KiB', inNotification(sealed(base64(65_536)))],
  ])('%s', (_name, element) => {
    expect(thrown(() => readPublish(element))).toMatchObject({ condition: 'bad-request', type: 'modify' });
  });

  it('but 4,096 bytes are a message', () => {
    const { content } = readPublish(inNotification(sealed(base64(4_096))));
    expect(content.kind === 'sealed' && content.body.length).toBe(4_096);
  });
});

describe('the secret', () => {
  it('is undefined without options', () => {
    expect(readPublish(publish('n', undefined)).secret).toBeUndefined();
  });

  it('is found where the first options are without it', () => {
    const empty = el('publish-options', ns.pubsub, {}, el('x', ns.dataForms, { type: 'submit' }));
    const whole = publish('n', 's-1');
    expect(readPublish(whole.withChildren([empty, ...whole.children])).secret).toBe('s-1');
    const inItem = el(
      'publish-options',
      ns.pubsub,
      {},
      el(
        'x',
        ns.dataForms,
        {},
        el('field', ns.dataForms, { var: 'secret' }, el('value', ns.dataForms, {}, 's-2')),
      ),
    );
    const element = pubsub(
      empty,
      el('publish', ns.pubsub, { node: 'n' }, item(notification(undefined), inItem)),
    );
    expect(readPublish(element).secret).toBe('s-2');
  });

  it('is the first of several', () => {
    const whole = publish('n', 's-1');
    const second = publish('n', 's-2').child('publish-options');
    expect(readPublish(whole.withChildren([...whole.children, second ?? ''])).secret).toBe('s-1');
  });
});

it.each([
  ['17', 17],
  [' 3 ', 3],
  ['0', 0],
  ['', 0],
  ['-1', 0],
  ['1e9', 0],
  ['99999999999999999999', 0],
  ['many', 0],
])('a count of "%s" is %d', (text, count) => {
  expect(readPublish(publish('n', 's', notification({ 'message-count': text }))).content).toMatchObject({
    count,
  });
});

it.each(['', ' \n\t', '@', 'a@b@c', '\0', 'x'.repeat(70_000)])('a sender that is none is nobody', (text) => {
  const { content } = readPublish(publish('n', 's', notification({ 'last-message-sender': text })));
  expect(content).toMatchObject({ sender: undefined });
});

it('a body of white space says nothing', () => {
  const { content } = readPublish(publish('n', 's', notification({ 'last-message-body': ' \n ' })));
  expect(content).toMatchObject({ body: '', isImportant: false });
});

describe('whatever arrives', () => {
  const names = fc.constantFrom(
    ...['pubsub', 'publish', 'publish-options', 'item', 'notification', 'x', 'field', 'value', 'encrypted'],
    ...['payload', 'jwt', 'priority', 'client', '__proto__', 'constructor'],
  );
  const spaces = fc.constantFrom(
    ...[
      ns.pubsub,
      ns.push,
      ns.push2,
      ns.dataForms,
      ns.pushEncryption,
      ns.pushPriority,
      ns.sealedEnvelope,
      '',
    ],
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('high', 'low', '1', base64(10), 'a.e30.b', base64(5_000), '\0'),
  );
  const attrs = fc.dictionary(fc.constantFrom('node', 'var', 'iv', 'type', 'key', '__proto__'), texts);
  const { element } = fc.letrec<{ element: Element; node: Element | string }>((tie) => ({
    node: fc.oneof({ maxDepth: 7, depthSize: 'large' }, texts, tie('element')),
    element: fc
      .tuple(names, spaces, attrs, fc.array(tie('node'), { maxLength: 4 }))
      .map(([name, space, given, children]) => new Element(name, space, given, children)),
  }));

  it('is read, or is a bad request', () => {
    fc.assert(
      fc.property(element, element, (first, second) => {
        for (const read of [
          () => readPublish(first),
          () => readPublish(pubsub(el('publish', ns.pubsub, { node: 'n' }, item(first, second)))),
          () => readPublish(publish('n', 's', el('notification', ns.push, {}, first, second))),
          () => readPush2(el('notification', ns.push2, {}, el('client', ns.push2, {}, 'c'), first, second)),
        ]) {
          const error = thrown(read);
          if (error !== undefined) expect(error).toBeInstanceOf(StanzaError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('may be as deep as it likes', () => {
    let deep = el('x', ns.dataForms);
    for (let level = 0; level < 20_000; level++) deep = el('x', ns.dataForms, {}, deep);
    expect(readPublish(publish('n', 's', notification(undefined, deep))).content.kind).toBe('summary');
  });
});
