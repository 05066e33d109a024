import { characterClass } from './character-class.js';
import { joinsBackward, joinsForward, virama } from './unicode-classes.js';

const isVirama = characterClass(virama);
// Joining_Type T. Marks are; the format characters that are too may stand in no address.
const transparent = '\\p{Mn}\\p{Me}';

const arabicIndicDigit = /[\u0660-\u0669]/;
const extendedArabicIndicDigit = /[\u06f0-\u06f9]/;
const kanaOrHan = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u;

const loneJoiner = new RegExp(`(?<![${isVirama}])\\u200d`, 'u');
const loneNonJoiner = new RegExp(
  `(?<![${isVirama}])(?:` +
    `(?<![${characterClass(joinsForward)}][${transparent}]*)\\u200c|` +
    `\\u200c(?![${transparent}]*[${characterClass(joinsBackward)}]))`,
  'u',
);
const loneMiddleDot = /(?<!l)\u00b7|\u00b7(?!l)/;
const loneKeraia = /\u0375(?!\p{Script=Greek})/u;
const loneGeresh = /(?<!\p{Script=Hebrew})[\u05f3\u05f4]/u;

/** Code points that may stand only in a context (RFC 5892 §2.6 and Appendix A), as the inside of a character class. */
export const contextual = '\\u00b7\\u0375\\u05f3\\u05f4\\u30fb\\u0660-\\u0669\\u06f0-\\u06f9\\u200c\\u200d';

/** The rules of RFC 5892 Appendix A: each says whether a text breaks it. */
const broken: readonly ((text: string) => boolean)[] = [
  (text) => loneNonJoiner.test(text), // A.1
  (text) => loneJoiner.test(text), // A.2
  (text) => loneMiddleDot.test(text), // A.3
  (text) => loneKeraia.test(text), // A.4
  (text) => loneGeresh.test(text), // A.5, A.6
  (text) => text.includes('\u30fb') && !kanaOrHan.test(text), // A.7
  (text) => arabicIndicDigit.test(text) && extendedArabicIndicDigit.test(text), // A.8, A.9
];

/** True if every contextual code point of the text stands where it may. */
export function satisfiesContextualRules(text: string): boolean {
  return !broken.some((isBroken) => isBroken(text));
}
