import { characterClass } from './character-class.js';
import { arabicNumber, europeanNumber, neutral, rightToLeft } from './unicode-classes.js';

// Bidi_Class NSM is, but for five marks of scripts that run left to right, what the general category calls a mark
// without width of its own.
const mark = '\\p{Mn}\\p{Me}';
const strong = characterClass(rightToLeft);
const arabic = characterClass(arabicNumber);
const european = characterClass(europeanNumber);

const hasRightToLeft = new RegExp(`[${strong}${arabic}]`, 'u');
const hasArabicNumber = new RegExp(`[${arabic}]`, 'u');
const hasEuropeanNumber = new RegExp(`[${european}]`, 'u');

/** Conditions 1 to 3 for what runs right to left. */
const rightToLeftLabel = new RegExp(
  `^(?=[${strong}])[${strong}${arabic}${european}${characterClass(neutral)}${mark}]*` +
    `$(?<=[${strong}${arabic}${european}][${mark}]*)`,
  'u',
);

/**
 * The Bidi Rule (RFC 5893 §2) as PRECIS applies it: only to a text with a code point that runs from right to left.
 * Such a text can satisfy the rule only from right to left: conditions 5 and 6, for what begins from left to right,
 * allow none of these code points.
 */
export function satisfiesBidiRule(text: string): boolean {
  if (!hasRightToLeft.test(text)) return true;
  if (!rightToLeftLabel.test(text)) return false;
  return !(hasArabicNumber.test(text) && hasEuropeanNumber.test(text)); // condition 4
}
