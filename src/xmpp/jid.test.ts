import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareOf, Jid, JidError } from './jid.js';

/** Characters that once broke, or nearly broke, some preparation, and what separates the parts. */
const telling = [
  ...'abzABZ09-_.~!"&\'/:<>@[]% ',
  ...'ßẞςσΣİıſKéÅΩ·l͵αאבג״׳ا٠۰بهکـक्・アｱﾞＡ１＠／。．｡',
  ...['\u0301', '\u0307', '\u0308', '\u0345', '\u3099', '\u064b', '\u200c', '\u200d', '\ufe0f', '\u00ad'],
  ...['\u00a0', '\u1680', '\u3000', '\0', '\t', '\u007f', '\ud800', '\udc00', '\ue000', '\uffff', '\u0378'],
  ...['♚', '😀', 'ﬁ', 'Ⅳ', 'ǅ', '\u1100', '\u1161', '가', '\u0387', '𐐀', 'xn--', 'xn--fa-hia', '::1', '%25'],
];
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...telling), maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const ascii = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 12 });
/** Mostly addresses: each part is drawn until it is one that stands alone. */
const address = fc
  .record({ local: text, domain: fc.oneof(fc.domain(), text), resource: text })
  .map(({ local, domain, resource }) => `${local}@${domain}/${resource}`);

function reasonFor(value: string): string {
  try {
    return `none: it is ${Jid.parse(value)}`;
  } catch (error) {
    if (error instanceof JidError) return error.message;
    throw error;
  }
}

function attemptOf(local: string, domain: string, resource = ''): Jid | undefined {
  try {
    return Jid.of(local, domain, resource);
  } catch (error) {
    if (error instanceof JidError) return undefined;
    throw error;
  }
}

describe('parts', () => {
  it.each([
    ['example.com', '', 'example.com', ''],
    ['example.com/foobar', '', 'example.com', 'foobar'],
    ['juliet@example.com', 'juliet', 'example.com', ''],
    ['juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
    ['juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
    ['juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
    ['foo\\20bar@example.com', 'foo\\20bar', 'example.com', ''],
    ['fussball@example.com', 'fussball', 'example.com', ''],
    ['fußball@example.com', 'fußball', 'example.com', ''],
    ['π@example.com', 'π', 'example.com', ''],
    ['Σ@example.com/foo', 'σ', 'example.com', 'foo'],
    ['σ@example.com/foo', 'σ', 'example.com', 'foo'],
    ['ς@example.com/foo', 'ς', 'example.com', 'foo'],
    ['king@example.com/♚', 'king', 'example.com', '♚'],
    ['a.example.com/b@example.net', '', 'a.example.com', 'b@example.net'],
    ['juliet@example.com//@//', 'juliet', 'example.com', '/@//'],
  ])('%s (RFC 7622 §3.5)', (value, local, domain, resource) => {
    const jid = Jid.parse(value);
    expect([jid.local, jid.domain, jid.resource]).toEqual([local, domain, resource]);
  });

  it('accepts a space at the beginning of a resourcepart, as OpaqueString does and the examples do not', () => {
    expect(Jid.parse('juliet@example.com/ foo').resource).toBe(' foo');
  });

  it.each([
    ['"juliet"@example.com', 'the localpart holds a character that RFC 7622 excludes'],
    ['foo bar@example.com', 'the localpart holds U+0020, which is not allowed'],
    ['@example.com/', 'the localpart is empty'],
    ['henryⅣ@example.com', 'the localpart holds U+2163, which is not allowed'],
    ['♚@example.com', 'the localpart holds U+265A, which is not allowed'],
    ['juliet@', 'the domainpart is empty'],
    ['/foobar', 'the domainpart is empty'],
    ['', 'the domainpart is empty'],
    ['@', 'the localpart is empty'],
    ['juliet@/foo', 'the domainpart is empty'],
    ['juliet@example.com/', 'the resourcepart is empty'],
    ['a@b@example.com', 'the domainpart holds U+0040, which is not allowed'],
  ])('refuses %j: %s', (value, reason) => {
    expect(reasonFor(value)).toBe(reason);
  });

  it.each(['"', '&', "'", ':', '<', '>'])(
    'refuses %s in a localpart, also in its full-width form',
    (character) => {
      const wide = String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0);
      for (const local of [`a${character}b`, `a${wide}b`]) {
        expect(reasonFor(`${local}@example.com`)).toBe(
          'the localpart holds a character that RFC 7622 excludes',
        );
      }
    },
  );

  it('never takes a full-width @ or / for a separator', () => {
    expect(Jid.tryParse('a＠example.com')).toBeUndefined();
    expect(Jid.tryParse('a＠b@example.com')).toBeUndefined();
    expect(Jid.tryParse('example.com／b')).toBeUndefined();
    expect(Jid.parse('example.com/a＠b／c').resource).toBe('a＠b／c');
  });
});

describe('length', () => {
  it.each([
    ['localpart', (part: string) => `${part}@example.com`],
    ['resourcepart', (part: string) => `example.com/${part}`],
  ])('a %s has at most 1023 bytes', (name, around) => {
    const reason = `the ${name} is longer than 1023 bytes`;
    expect(Jid.tryParse(around('a'.repeat(1023)))).toBeDefined();
    expect(reasonFor(around('a'.repeat(1024)))).toBe(reason);
    expect(Jid.tryParse(around('あ'.repeat(341)))).toBeDefined();
    expect(reasonFor(around('あ'.repeat(342)))).toBe(reason);
  });

  it('is counted after preparation', () => {
    expect(Jid.parse(`${'Ａ'.repeat(1023)}@example.com`).local).toBe('a'.repeat(1023));
    expect(Jid.parse(`example.com/${'e\u0301'.repeat(511)}`).resource).toBe('é'.repeat(511));
    expect(reasonFor(`example.com/${'e\u0301'.repeat(512)}`)).toBe(
      'the resourcepart is longer than 1023 bytes',
    );
  });

  it('of a domain is at most 1023 bytes, of a label 63', () => {
    const label = 'a'.repeat(63);
    expect(Jid.tryParse(Array(15).fill(label).concat('a'.repeat(62)).join('.'))?.domain).toHaveLength(1022);
    expect(reasonFor(Array(16).fill(label).join('.').concat('.a'))).toBe(
      'the domainpart is longer than 1023 bytes',
    );
    expect(Jid.tryParse(`${label}a.example`)).toBeUndefined();
  });

  it('beyond all bounds is refused without work', () => {
    const endless = 'Ａ'.repeat(5_000_000);
    for (const value of [`${endless}@example.com`, endless, `example.com/${endless}`]) {
      expect(reasonFor(value)).toMatch(/is longer than 1023 bytes$/);
    }
  });
});

describe('hostile text', () => {
  it.each([
    ['a lone high surrogate', '\ud83d'],
    ['a lone low surrogate', '\ude00'],
    ['NUL', '\0'],
    ['a line feed', '\n'],
    ['DEL', '\u007f'],
    ['a soft hyphen', '\u00ad'],
    ['a change of direction', '\u202e'],
    ['a byte order mark', '\ufeff'],
    ['a private character', '\ue000'],
    ['a noncharacter', '\uffff'],
    ['an unassigned character', '\u0378'],
    ['a line separator', '\u2028'],
    ['a variation selector', '\ufe0f'],
    ['a tag', '\u{e0041}'],
  ])('%s is refused in every part', (_, character) => {
    for (const value of [`a${character}b@c`, `a${character}b`, `c/a${character}b`]) {
      expect(Jid.tryParse(value)).toBeUndefined();
    }
  });

  it('throws nothing but JidError', () => {
    fc.assert(
      fc.property(fc.oneof(text, address), (value) => {
        reasonFor(value);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the prepared form', () => {
  it('parses to the same address', () => {
    fc.assert(
      fc.property(fc.oneof(text, address), (value) => {
        const jid = Jid.tryParse(value);
        fc.pre(jid !== undefined);
        const again = Jid.parse(jid.toString());
        expect(again.toString()).toBe(jid.toString());
        expect(again).toEqual(jid);
        expect(again.equals(jid)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not depend on the case of an ASCII localpart and domainpart', () => {
    fc.assert(
      fc.property(ascii, fc.domain(), (local, domain) => {
        const lower = attemptOf(local.toLowerCase(), domain.toLowerCase());
        expect(attemptOf(local, domain)).toEqual(lower);
        expect(attemptOf(local.toUpperCase(), domain.toUpperCase())).toEqual(lower);
      }),
    );
  });

  it('of an ASCII resourcepart is the resourcepart', () => {
    fc.assert(
      fc.property(ascii, (resource) => {
        const expected = /^[ -~]+$/.test(resource) ? resource : undefined;
        expect(Jid.tryParse(`example.com/${resource}`)?.resource).toBe(expected);
      }),
    );
  });

  it('is the same whether a character takes the short way or the long one', () => {
    // A character outside ASCII keeps the whole part from the short way.
    const withAccent = (part: string | undefined) => (part === undefined ? undefined : `${part}é`);
    fc.assert(
      fc.property(ascii, (part) => {
        const [short, long] = [attemptOf(part, 'a.example'), attemptOf(`${part}é`, 'a.example')];
        expect(long?.local).toBe(withAccent(short?.local));
        const [shortTail, longTail] = [attemptOf('', 'b', part), attemptOf('', 'b', `${part}é`)];
        expect(longTail?.resource).toBe(withAccent(shortTail?.resource));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('Jid', () => {
  const full = Jid.parse('Juliet@Example.com/Balcony');

  it('is written in its prepared form', () => {
    expect(full.toString()).toBe('juliet@example.com/Balcony');
    expect(`${full.bare()}`).toBe('juliet@example.com');
  });

  it('knows what it addresses', () => {
    expect([full.isFull, full.isDomain]).toEqual([true, false]);
    expect([full.bare().isFull, full.bare().isDomain]).toEqual([false, false]);
    expect([Jid.parse('example.com').isFull, Jid.parse('example.com').isDomain]).toEqual([false, true]);
    expect([Jid.parse('example.com/x').isFull, Jid.parse('example.com/x').isDomain]).toEqual([true, false]);
  });

  it('gives its bare form, and a bare one itself', () => {
    expect(full.bare()).toBe(full.bare());
    expect(full.bare().bare()).toBe(full.bare());
    expect(Jid.parse('example.com/x').bare().toString()).toBe('example.com');
  });

  it('equals by all three parts, the resourcepart with its case', () => {
    expect(full.equals(Jid.parse('JULIET@EXAMPLE.COM/Balcony'))).toBe(true);
    expect(full.equals(Jid.parse('juliet@example.com/balcony'))).toBe(false);
    expect(full.equals(full.bare())).toBe(false);
    expect(Jid.parse('a@b/c').equals(Jid.parse('b/c'))).toBe(false);
  });

  it('is put together from parts that are prepared', () => {
    expect(Jid.of('Juliet', 'EXAMPLE.com', 'Balcony').equals(full)).toBe(true);
    expect(Jid.of('', 'example.com').toString()).toBe('example.com');
    expect(Jid.of('', 'example.com', 'a@b/c').resource).toBe('a@b/c');
  });

  it.each([
    ['a@b', 'example.com', 'x'],
    ['a/b', 'example.com', 'x'],
    ['a', '', 'x'],
    ['a', 'example.com/b', ''],
    ['a', 'b@example.com', ''],
    ['a', 'example.com', '\n'],
  ])('is not put together from %j, %j and %j', (local, domain, resource) => {
    expect(() => Jid.of(local, domain, resource)).toThrow(JidError);
  });

  it('is not tried from nothing', () => {
    expect(Jid.tryParse(undefined)).toBeUndefined();
  });
});

it.each(['example.com', 'a@example.com', 'a@example.com/x', 'example.com/x/y@z', 'a@b/c@d/e'])(
  'the bare part of the text %s is that of the address',
  (address) => {
    expect(bareOf(address)).toBe(Jid.parse(address).bare().toString());
  },
);
