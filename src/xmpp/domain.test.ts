import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareDomain } from './domain.js';
import { PreparationError } from './precis.js';

function attempt(text: string): string | undefined {
  try {
    return prepareDomain(text);
  } catch (error) {
    if (error instanceof PreparationError) return undefined;
    throw error;
  }
}

describe('prepareDomain', () => {
  it.each([
    ['localhost', 'localhost'],
    ['EXAMPLE.com', 'example.com'],
    ['example.com.', 'example.com'],
    ['127.0.0.1', '127.0.0.1'],
    ['1.2', '1.2'],
    ['0x7f.1', '0x7f.1'],
    ['3com.example', '3com.example'],
    ['r3---sn.example', 'r3---sn.example'],
    ['FAẞ.de', 'faß.de'],
    ['xn--fa-hia.de', 'faß.de'],
    ['XN--FA-HIA.de', 'faß.de'],
    ['ｘn--fa-hia.de', 'faß.de'],
    ['Ｅxample。com．', 'example.com'],
    ['bu\u0308cher.example', 'bücher.example'],
    ['xn--bcher-kva.example', 'bücher.example'],
    ['例え.テスト', '例え.テスト'],
    ['נושא.example', 'נושא.example'],
    ['3com.נושא', '3com.נושא'],
    ['نامه\u200cای.com', 'نامه\u200cای.com'],
    ['xn--mgba3gch31f060k.com', 'نامه\u200cای.com'],
    ['col·lecció.cat', 'col·lecció.cat'],
    ['[::1]', '[::1]'],
    ['[2001:DB8:0:0::1]', '[2001:db8::1]'],
    ['[fe80::1%25eth0]', '[fe80::1%25eth0]'],
  ])('%j to %j', (text, expected) => {
    expect(attempt(text)).toBe(expected);
    expect(attempt(expected)).toBe(expected);
  });

  it.each([
    ['.', 'has an empty label'],
    ['example..com', 'has an empty label'],
    ['.example.com', 'has an empty label'],
    ['example.com..', 'has an empty label'],
    ['-a.example', 'has a label with a hyphen in the wrong place'],
    ['a-.example', 'has a label with a hyphen in the wrong place'],
    ['bü--cher.example', 'has a label with a hyphen in the wrong place'],
    ['aé--b.example', 'has a label with a hyphen in the wrong place'],
    ['a_b.example', 'holds U+005F, which is not allowed'],
    ['a b.example', 'holds U+0020, which is not allowed'],
    ['a:5222', 'holds U+003A, which is not allowed'],
    ['i❤.example', 'holds U+2764, which is not allowed'],
    ['xn--i-7iq.example', 'holds U+2764, which is not allowed'],
    ['xn--zzzz.example', 'has an invalid A-label (RFC 5890)'],
    ['xn--.example', 'has an invalid A-label (RFC 5890)'],
    ['xn--abc-.example', 'has an invalid A-label (RFC 5890)'],
    ['\u0301a.example', 'has a label that begins with a combining mark'],
    ['aנ.example', 'has a label that mixes directions of writing (RFC 5893)'],
    ['a·b.example', 'holds a character that is not allowed in this place (RFC 5892)'],
    [`${'ü'.repeat(63)}.example`, 'has a label longer than 63 bytes'],
    ['[::1', 'has an invalid IPv6 address'],
    ['[]', 'has an invalid IPv6 address'],
    ['[::1]x', 'has an invalid IPv6 address'],
    ['[1:2]', 'has an invalid IPv6 address'],
    ['[127.0.0.1]', 'has an invalid IPv6 address'],
    ['[::1%25]', 'has an invalid IPv6 address'],
    ['[::1%25a/b]', 'has an invalid IPv6 address'],
  ])('refuses %j: %s', (text, reason) => {
    expect(() => prepareDomain(text)).toThrow(new PreparationError(reason));
  });

  it('leaves what it prepared as it is', () => {
    const label = fc.string({ unit: fc.constantFrom(...'aBzß-üÜςΣאب1٠。.ｱ\u0301\u200cİ例xn'), maxLength: 8 });
    fc.assert(
      fc.property(label, (text) => {
        const once = attempt(text);
        fc.pre(once !== undefined);
        expect(prepareDomain(once)).toBe(once);
      }),
      { numRuns: 2000, maxSkipsPerRun: 100 },
    );
  });
});
