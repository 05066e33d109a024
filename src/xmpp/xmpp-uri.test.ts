import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Jid } from './jid.js';
import { jidOfUri } from './xmpp-uri.js';

describe('the address in a URI', () => {
  it.each([
    ['xmpp:ana@example.org', 'ana@example.org'],
    ['xmpp:example.org', 'example.org'],
    ['xmpp:tea@rooms.example.net/Ana', 'tea@rooms.example.net/Ana'],
    ['XMPP:Ana@Example.org', 'ana@example.org'],
    ['xmpp:ana@example.org?message;body=x/y@z', 'ana@example.org'],
    ['xmpp:ana@example.org/phone?message', 'ana@example.org/phone'],
    ['xmpp:ana@example.org#part', 'ana@example.org'],
    ['xmpp://ben@example.com/ana@example.org/phone', 'ana@example.org/phone'],
    [
      'xmpp:nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com',
      'nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com',
    ],
    ['xmpp:tea@rooms.example.net/%C3%84na%20%2F%20tea@home', 'tea@rooms.example.net/Äna / tea@home'],
    ['xmpp:tea@rooms.example.net/Äna B', 'tea@rooms.example.net/Äna B'],
    ['xmpp:tea@rooms.example.net/a/b@c', 'tea@rooms.example.net/a/b@c'],
    ['xmpp:tea@rooms.example.net/100%', 'tea@rooms.example.net/100%'],
    ['xmpp:tea@rooms.example.net/%FF', 'tea@rooms.example.net/%FF'],
  ])('%s', (uri, address) => {
    expect(jidOfUri(uri)?.toString()).toBe(address);
  });

  it.each([
    '',
    'xmpp:',
    'ana@example.org',
    'mailto:ana@example.org',
    ' xmpp:ana@example.org',
    'xmpp:@example.org',
    'xmpp:ana@',
    'xmpp://ana@example.org',
    'xmpp:a%40b@example.org',
    'xmpp:example.org/',
    'xmpp:ana%2Fb@example.org',
    'xmpp:example%2Forg',
  ])('is none: %j', (uri) => {
    expect(jidOfUri(uri)).toBeUndefined();
  });

  it('is the one that was put in', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', '!', '%', '?', '#', '=', 'é', '名', '𐐲', '1', '+'),
      minLength: 1,
    });
    fc.assert(
      fc.property(part, part, (local, resource) => {
        const jid = Jid.of(local, 'example.org', `${resource} / @`);
        const uri = `xmpp:${encodeURIComponent(jid.local)}@${jid.domain}/${encodeURIComponent(jid.resource)}`;
        return jidOfUri(uri)?.equals(jid) === true;
      }),
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void jidOfUri(`xmpp:${text}`)));
  });
});
