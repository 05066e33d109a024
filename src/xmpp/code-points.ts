import { contextual } from './contextual-rules.js';

// The exceptions of RFC 5892 §2.6, which RFC 8264 §9.6 takes over.
const exceptionallyValid = '\\u00df\\u03c2\\u06fd\\u06fe\\u0f0b\\u3007';
const exceptionallyDisallowed = '\\u0640\\u07fa\\u302e\\u302f\\u3031-\\u3035\\u303b';

const oldHangulJamo = '\\u1100-\\u11ff\\ua960-\\ua97c\\ud7b0-\\ud7c6\\ud7cb-\\ud7fb';
const ignorable = '\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}';
const disallowed = `${exceptionallyDisallowed}${oldHangulJamo}${ignorable}`;
const letterDigits = '\\p{Ll}\\p{Lu}\\p{Lo}\\p{Nd}\\p{Lm}\\p{Mn}\\p{Mc}';
// The blocks that RFC 5892 §2.5 names: marks for symbols, and musical notation, old and new.
const ignorableBlocks = '\\u20d0-\\u20ff\\u{1d100}-\\u{1d1ff}\\u{1d200}-\\u{1d24f}';

const always = `[!-~${exceptionallyValid}${contextual}]`;
const identifier = new RegExp(`^(?:${always}|(?![${disallowed}])[${letterDigits}])$`, 'u');
const freeform = new RegExp(
  `^(?:${always}|(?![${disallowed}])[\\p{L}\\p{N}\\p{M}\\p{Zs}\\p{S}\\p{P}])$`,
  'u',
);
const label = new RegExp(
  `^(?:[-0-9a-z${exceptionallyValid}${contextual}]|` +
    `(?![${disallowed}${ignorableBlocks}\\p{Changes_When_NFKC_Casefolded}])(?!\\p{ASCII})[${letterDigits}])$`,
  'u',
);

/**
 * The IdentifierClass (RFC 8264 §4.2, §8), contextual rules left out: ASCII without space, and letters, digits and
 * marks that have no compatibility equivalent.
 */
export function isIdentifierCodePoint(character: string): boolean {
  return identifier.test(character) && !hasCompatibilityEquivalent(character);
}

/** The FreeformClass (RFC 8264 §4.3, §8), contextual rules left out: besides these also spaces, symbols, punctuation. */
export function isFreeformCodePoint(character: string): boolean {
  return freeform.test(character);
}

/** What a U-label may hold (RFC 5892 §3), contextual rules left out. */
export function isLabelCodePoint(character: string): boolean {
  return label.test(character);
}

function hasCompatibilityEquivalent(character: string): boolean {
  return character.normalize('NFKC') !== character;
}

/** The first character of which the test does not hold, as `U+265A`, or undefined. */
export function firstRefused(text: string, isAllowed: (character: string) => boolean): string | undefined {
  for (const character of text) {
    if (!isAllowed(character)) {
      return `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;
    }
  }
  return undefined;
}
