import { describe, expect, it } from 'vitest';
import { Element, el } from './element.js';
import { ns } from './ns.js';
import { serialize } from './serialize.js';
import { StreamError } from './stream-error.js';

describe('serialize', () => {
  it("leaves out the stream's own namespace and declares others once", () => {
    const message = el(
      'message',
      ns.client,
      { to: 'a@b' },
      el('body', ns.client, {}, 'hi'),
      el('x', 'u:x', {}, el('y', 'u:x')),
    );
    expect(serialize(message, ns.client)).toBe(
      "<message to='a@b'><body>hi</body><x xmlns='u:x'><y/></x></message>",
    );
    expect(serialize(message)).toBe(
      "<message xmlns='jabber:client' to='a@b'><body>hi</body><x xmlns='u:x'><y/></x></message>",
    );
  });

  it('declares again where the namespace returns', () => {
    const forwarded = el('forwarded', 'u:f', {}, el('message', ns.client));
    expect(serialize(forwarded, ns.client)).toBe(
      "<forwarded xmlns='u:f'><message xmlns='jabber:client'/></forwarded>",
    );
  });

  it('undeclares for an element in no namespace', () => {
    expect(serialize(el('a', '', {}, el('b', 'u:b')), ns.client)).toBe("<a xmlns=''><b xmlns='u:b'/></a>");
  });

  it('escapes what would change the structure, and white space that a reader would normalise', () => {
    const element = el('m', ns.client, { a: '<&>\'"\t\n\r' }, '<&>\'" \t\n\r]]>');
    expect(serialize(element, ns.client)).toBe(
      "<m a='&lt;&amp;&gt;&apos;&quot;&#9;&#10;&#13;'>&lt;&amp;&gt;'\" \t\n&#13;]]&gt;</m>",
    );
  });

  it('replaces what XML cannot carry', () => {
    const forbidden = ['\u0000', '\u001f', '\ufffe', '\uffff', '\ud800', '\udc00'];
    for (const character of forbidden) {
      const text = `a${character}b`;
      expect(serialize(el('m', ns.client, { a: text }, text), ns.client)).toBe(
        "<m a='a\ufffdb'>a\ufffdb</m>",
      );
    }
    expect(serialize(el('m', ns.client, {}, '🔔\u0085\ue000'), ns.client)).toBe('<m>🔔\u0085\ue000</m>');
  });

  it('uses the prefix that the stream header binds', () => {
    expect(serialize(new StreamError('host-unknown', 'Who?').toElement(), ns.client)).toBe(
      `<stream:error><host-unknown xmlns='${ns.streamErrors}'/><text xmlns='${ns.streamErrors}' xml:lang='en'>Who?</text></stream:error>`,
    );
  });

  it('drops declarations, which are its own affair, and attributes of prefixes that it cannot declare', () => {
    const attrs = { 'xml:lang': 'de', 'a:b': '1', 'xmlns:a': 'u:a', xmlns: 'u:x' };
    expect(serialize(new Element('m', ns.client, attrs), ns.client)).toBe("<m xml:lang='de'/>");
  });
});
