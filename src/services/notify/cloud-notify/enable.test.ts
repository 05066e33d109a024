import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { readDetailsText } from './details.js';
import { readDisable, readEnable } from './enable.js';
import { extensionElements } from './extensions.js';
import { readAddress } from './push-address.js';

const account = Jid.parse('ana@example.org');
const service = 'push.example.net';

const enable = (attrs: Record<string, string>, ...children: Element[]) =>
  el('enable', ns.push, attrs, ...children);

const encrypt = (attrs: Record<string, string>, key: string) => el('encrypt', ns.pushEncryption, attrs, key);
const key = 'AAECAwQFBgcICQoLDA0ODw==';

function refusal(read: () => unknown): Pick<StanzaError, 'type' | 'condition' | 'text'> {
  try {
    read();
  } catch (error) {
    if (error instanceof StanzaError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('readEnable', () => {
  it('takes an app server and a node', () => {
    const { address } = readEnable(enable({ jid: 'PUSH.example.net', node: 'n-4711' }), account);
    expect(readAddress(address)).toEqual({ jid: Jid.parse(service), node: 'n-4711' });
  });

  it.each([
    service,
    'example.org',
    'push.example.org',
    'push@example.net',
    'bob@example.org/app',
    `${service}/x`,
  ])('takes %s without node', (jid) => {
    const { address } = readEnable(enable({ jid }), account);
    expect(readAddress(address)).toEqual({ jid: Jid.parse(jid), node: undefined });
  });

  it('gives the same for the same, and something else for something else', () => {
    const read = (node: string) => readEnable(enable({ jid: service, node }), account);
    expect(read('a')).toEqual(read('a'));
    expect(read('a').address).not.toBe(read('b').address);
  });

  it.each([
    ['no jid', enable({ node: 'n' }), 'modify', 'bad-request'],
    ['a jid that is none', enable({ jid: 'push@@example.net' }), 'modify', 'jid-malformed'],
    ['an empty jid', enable({ jid: '' }), 'modify', 'jid-malformed'],
    ['a huge jid', enable({ jid: 'a'.repeat(100_000) }), 'modify', 'jid-malformed'],
    ['the account', enable({ jid: 'Ana@example.org' }), 'modify', 'bad-request'],
    ['a device of the account', enable({ jid: 'ana@example.org/phone' }), 'modify', 'bad-request'],
    ['a long node', enable({ jid: service, node: 'ü'.repeat(2040) }), 'modify', 'policy-violation'],
    [
      'an unknown algorithm',
      enable({ jid: service }, encrypt({ alg: 'aes-256-gcm' }, key)),
      'modify',
      'feature-not-implemented',
    ],
    ['no algorithm', enable({ jid: service }, encrypt({}, key)), 'modify', 'feature-not-implemented'],
    [
      'a short key',
      enable({ jid: service }, encrypt({ alg: 'aes-128-gcm' }, 'AAECAwQFBgcICQoLDA0O')),
      'modify',
      'bad-request',
    ],
  ])('refuses %s', (_what, request, type, condition) => {
    const error = refusal(() => readEnable(request, account));
    expect(error).toMatchObject({ type, condition });
    expect(error.text).toMatch(/^[A-Za-z].*\.$/);
  });

  it('takes the longest node that there is room for', () => {
    const longest = 4096 - JSON.stringify([service, '']).length;
    const read = (length: number) => readEnable(enable({ jid: service, node: 'n'.repeat(length) }), account);
    expect(Buffer.byteLength(read(longest).address)).toBe(4096);
    expect(refusal(() => read(longest + 1)).condition).toBe('policy-violation');
  });

  it('does not read what is too large', () => {
    const items = Array.from({ length: 5_000 }, () => el('item', ns.pushMuted, { jid: 'ben@example.org' }));
    const request = enable({ jid: service }, el('muted', ns.pushMuted, {}, ...items), encrypt({}, key));
    expect(refusal(() => readEnable(request, account)).condition).toBe('policy-violation');
  });

  it('says nothing of what is secret when it refuses', () => {
    const request = enable({ jid: service, node: 'n-4711' }, encrypt({ alg: 'aes-128-gcm' }, 'sesame'));
    expect(refusal(() => readEnable(request, account)).text).not.toMatch(/sesame|4711/);
  });

  it('refuses by an error of the protocol, or gives what can be read, whatever it is sent', () => {
    fc.assert(
      fc.property(anyEnable(), (request) => {
        try {
          const { address, details } = readEnable(request, account);
          expect(readAddress(address)).toBeDefined();
          expect(readDetailsText(details)).toBeDefined();
          expect(Buffer.byteLength(address)).toBeLessThanOrEqual(4096);
          expect(Buffer.byteLength(details)).toBeLessThanOrEqual(64 * 1024);
        } catch (error) {
          if (!(error instanceof StanzaError)) throw error;
          expect(error.text).not.toBe('');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('readDisable', () => {
  it.each([{ jid: service, node: 'n' }, { jid: service, node: '' }, { jid: service }])(
    'takes %o',
    (attrs) => {
      const address = readDisable(el('disable', ns.push, attrs));
      expect(address).toEqual({ jid: Jid.parse(service), node: 'node' in attrs ? attrs.node : undefined });
    },
  );

  it.each([
    [{}, 'bad-request'],
    [{ jid: '@' }, 'jid-malformed'],
  ])('refuses %o', (attrs, condition) => {
    const error = refusal(() => readDisable(el('disable', ns.push, attrs)));
    expect(error).toMatchObject({ type: 'modify', condition });
    expect(error.text).not.toBe('');
  });
});

/** Text as XML carries it, now and then a great deal of it. */
function anyText() {
  const xml = fc.string({ unit: 'grapheme-ascii' });
  const large = fc.nat(80_000).map((length) => 'x'.repeat(length));
  const likely = fc.constantFrom(
    'true',
    'aes-128-gcm',
    key,
    '3000',
    'mentioned',
    'room@rooms.example.org',
    '',
  );
  return fc.oneof(
    { weight: 6, arbitrary: xml },
    { weight: 6, arbitrary: likely },
    { weight: 1, arbitrary: large },
  );
}

function anyElement(): fc.Arbitrary<Element> {
  const names = fc.constantFrom<readonly [string, string]>(
    ...extensionElements,
    ['x', ns.dataForms],
    ['field', ns.dataForms],
    ['item', ns.pushMuted],
    ['room', ns.pushRooms],
    ['enable', ns.push],
  );
  const attrs = fc.dictionary(
    fc.constantFrom('jid', 'alg', 'max-size', 'allow', 'nick', 'node', 'type', '__proto__', 'constructor'),
    anyText(),
    { maxKeys: 4 },
  );
  return fc.letrec<{ element: Element }>((tie) => ({
    element: fc
      .tuple(
        names,
        attrs,
        fc.array(fc.oneof({ depthSize: 'small' }, anyText(), tie('element')), { maxLength: 4 }),
      )
      .map(([[name, space], some, children]) => new Element(name, space, some, children)),
  })).element;
}

function anyEnable(): fc.Arbitrary<Element> {
  const jid = fc.oneof(fc.constantFrom(service, 'ana@example.org', 'push@example.net/x'), anyText());
  const attrs = fc.record({ jid, node: anyText(), away: anyText() }, { requiredKeys: [] });
  return fc
    .tuple(attrs, fc.array(anyElement(), { maxLength: 6 }))
    .map(([some, children]) => el('enable', ns.push, some, ...children));
}
