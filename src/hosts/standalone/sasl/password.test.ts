import { describe, expect, it } from 'vitest';
import { PasswordError, preparePassword } from './password.js';

describe('preparePassword', () => {
  it.each([
    ['ASCII as it is', 'correct horse', 'correct horse'],
    ['no-break space to space', 'a\u00a0b', 'a b'],
    ['soft hyphen to nothing', 'I\u00adX', 'IX'],
    ['the case kept', 'USER', 'USER'],
    ['NFKC', '\u00aa', 'a'],
    ['NFKC of a Roman numeral', '\u2168', 'IX'],
    ['a right-to-left text', '\u0627\u0628', '\u0627\u0628'],
    ['combining marks composed', 'e\u0301', '\u00e9'],
  ])('maps as RFC 4013 does: %s', (_what, text, prepared) => {
    expect(preparePassword(text)).toBe(prepared);
  });

  it.each([
    ['nothing', '', /empty/],
    ['what maps to nothing', '\u00ad', /empty/],
    ['a control character', 'a\u0007', /RFC 4013/],
    ['NUL', 'a\0b', /RFC 4013/],
    ['mixed directions', '\u06271', /RFC 4013/],
    ['a code point that Unicode 3.2 does not know', '\u{1f600}', /RFC 4013/],
    ['half a surrogate pair', '\ud800', /RFC 4013/],
    ['1,024 bytes', 'x'.repeat(1_024), /1,023 bytes/],
    ['512 letters of two bytes', 'é'.repeat(512), /1,023 bytes/],
  ])('refuses %s', (_what, text, message) => {
    expect(() => preparePassword(text)).toThrow(PasswordError);
    expect(() => preparePassword(text)).toThrow(message);
  });

  it('takes 1,023 bytes', () => {
    expect(preparePassword('x'.repeat(1_023))).toHaveLength(1_023);
  });
});
