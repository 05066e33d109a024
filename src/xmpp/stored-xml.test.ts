import { describe, expect, it } from 'vitest';
import { el } from './element.js';
import { serialize } from './serialize.js';
import { parseStored } from './stored-xml.js';

describe('parseStored', () => {
  it('reads what serialize writes', () => {
    const element = el(
      'a',
      'x',
      { 'xml:lang': 'de', b: `'"&<>\n\t` },
      'text ü 😀 ]]>',
      el('c', 'y', {}, el('d', '')),
    );
    expect(parseStored(serialize(element))).toEqual(element);
  });

  it('reads what grew far beyond what a stanza may have', () => {
    const element = el('a', 'x', {}, '>'.repeat(256 * 1024));
    expect(parseStored(serialize(element))).toEqual(element);
  });

  it.each(['', 'text', '<a/><b/>', '<a>'])('refuses %j', (text) => {
    expect(() => parseStored(text)).toThrow();
  });
});
