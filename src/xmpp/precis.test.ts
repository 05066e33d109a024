import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PreparationError, prepareOpaqueString, prepareUsername } from './precis.js';

function attempt(prepare: (text: string) => string, text: string): string | undefined {
  try {
    return prepare(text);
  } catch (error) {
    if (error instanceof PreparationError) return undefined;
    throw error;
  }
}

describe('prepareUsername', () => {
  it.each([
    ['juliet@example.com', 'juliet@example.com'],
    ['JULIET', 'juliet'],
    ['fußball', 'fußball'],
    ['GROẞ', 'groß'],
    ['π', 'π'],
    ['Σ', 'σ'],
    ['ΣΑΣ', 'σας'],
    ['ς', 'ς'],
    ['İ', 'i\u0307'],
    ['I', 'i'],
    ['Ａｌｉｃｅ１', 'alice1'],
    ['ｶﾞ', 'ガ'],
    ['e\u0301', 'é'],
    ['E\u0301', 'é'],
    ['\u1100\u1161', undefined],
    ['가', '가'],
    ['𐐀', '𐐨'],
    ['〇', '〇'],
    ['་', '་'],
    ['ـ', undefined],
    ['ﬁ', undefined],
    ['Ⅳ', undefined],
    ['ǅ', undefined],
    ['\u212a', undefined],
    ['\u2126', undefined],
    ['a b', undefined],
    ['a\u3000b', undefined],
    ['♚', undefined],
    ['😀', undefined],
    ['', undefined],
  ])('%j to %j', (text, expected) => {
    expect(attempt(prepareUsername, text)).toBe(expected);
  });

  it.each([
    ['Hebrew', 'שלום', true],
    ['Hebrew with digits at its end', 'שלום1', true],
    ['Hebrew with a mark at its end', 'שלוםֹ', true],
    ['Hebrew with punctuation inside', 'שלום-עולם', true],
    ['Hebrew with punctuation at its end', 'שלום-', false],
    ['digits before Hebrew', '1שלום', false],
    ['Latin before Hebrew', 'aש', false],
    ['Hebrew before Latin', 'שa', false],
    ['Latin inside Hebrew', 'שaש', false],
    ['Arabic', 'سلام', true],
    ['Arabic with Arabic-Indic digits', 'سلام٣', true],
    ['Arabic with European digits', 'سلام3', true],
    ['Arabic with both', 'سلام3٣', false],
    ['Arabic-Indic digits alone', '٣٣', false],
    ['Latin alone', 'a-', true],
    ['European digits alone', '12', true],
  ])('holds the Bidi Rule: %s', (_, text, isAllowed) => {
    expect(attempt(prepareUsername, text)).toBe(isAllowed ? text : undefined);
  });

  it('names what it refuses', () => {
    expect(() => prepareUsername('')).toThrow(new PreparationError('is empty'));
    expect(() => prepareUsername('a\u2163♚')).toThrow(
      new PreparationError('holds U+2163, which is not allowed'),
    );
  });
});

describe('prepareOpaqueString', () => {
  it.each([
    ['Correct Horse', 'Correct Horse'],
    [' x ', ' x '],
    ['a\u00a0b\u1680c\u3000d', 'a b c d'],
    ['♚😀', '♚😀'],
    ['ﬁⅣǅ', 'ﬁⅣǅ'],
    ['Ａ', 'Ａ'],
    ['e\u0301', 'é'],
    ['\u212b\u2126', 'ÅΩ'],
    ['שaש', 'שaש'],
    ['', undefined],
    ['a\tb', undefined],
    ['a\u200bb', undefined],
    ['\u1100', undefined],
    ['ـ', undefined],
    ['a\u0387b', undefined],
    ['l\u0387l', 'l·l'],
    ['👩\u200d👧', undefined],
    ['❤\ufe0f', undefined],
  ])('%j to %j', (text, expected) => {
    expect(attempt(prepareOpaqueString, text)).toBe(expected);
  });
});

describe('characters that need a context (RFC 5892 Appendix A)', () => {
  it.each([
    ['zero width non-joiner after a virama', 'क्\u200cष', true],
    ['zero width non-joiner between joining letters', 'نامه\u200cای', true],
    ['zero width non-joiner between joining letters with marks', 'بَ\u200cَب', true],
    ['zero width non-joiner after a letter that does not join forward', 'ا\u200cب', false],
    ['zero width non-joiner at the end', 'ب\u200c', false],
    ['zero width non-joiner between Latin letters', 'a\u200cb', false],
    ['zero width joiner after a virama', 'क्\u200dष', true],
    ['zero width joiner between Latin letters', 'a\u200db', false],
    ['zero width joiner at the beginning', '\u200da', false],
    ['middle dot between two l', 'col·lecció', true],
    ['middle dot elsewhere', 'a·l', false],
    ['middle dot at the end', 'l·', false],
    ['keraia before Greek', '͵α', true],
    ['keraia before Latin', '͵a', false],
    ['keraia at the end', 'α͵', false],
    ['geresh after Hebrew', 'ג׳', true],
    ['geresh at the beginning', '׳ג', false],
    ['gershayim after Hebrew', 'צה״ל', true],
    ['gershayim at the beginning', '״ל', false],
    ['katakana middle dot with Katakana', 'ア・イ', true],
    ['katakana middle dot with Han', '中・', true],
    ['katakana middle dot with Latin', 'a・b', false],
    ['Arabic-Indic digits after a letter', 'ب٠', true],
    ['extended Arabic-Indic digits after a letter', 'ب۰', true],
    ['both kinds of digits', 'ب٠۰', false],
  ])('%s', (_, text, isAllowed) => {
    const expected = isAllowed ? text.normalize('NFC') : undefined;
    expect(attempt(prepareUsername, text)).toBe(expected);
    expect(attempt(prepareOpaqueString, text)).toBe(expected);
  });

  it('are judged in lower case', () => {
    expect(prepareUsername('COL·LECCIÓ')).toBe('col·lecció');
  });
});

describe.each([
  ['prepareUsername', prepareUsername],
  ['prepareOpaqueString', prepareOpaqueString],
])('%s', (_, prepare) => {
  it('leaves what it prepared as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 6 }), (text) => {
        const once = attempt(prepare, text);
        fc.pre(once !== undefined);
        expect(prepare(once)).toBe(once);
        expect(once.normalize('NFC')).toBe(once);
      }),
      { numRuns: 1000, maxSkipsPerRun: 1000 },
    );
  });

  it('refuses more marks on one character than any language has, at once', () => {
    expect(attempt(prepare, `a${'\u0323'.repeat(30)}`)).toBeDefined();
    expect(attempt(prepare, `a${'\u0323'.repeat(31)}`)).toBeUndefined();
    expect(attempt(prepare, `a${'\u0345\u0301\u0316\u0334'.repeat(30_000)}`)).toBeUndefined();
  });

  it('leaves every single character that it allows in a stable form', () => {
    const unstable: number[] = [];
    for (let point = 0; point <= 0x1ffff; point++) {
      const once = attempt(prepare, String.fromCodePoint(point));
      if (once !== undefined && attempt(prepare, once) !== once) unstable.push(point);
    }
    expect(unstable).toEqual([]);
  });
});
