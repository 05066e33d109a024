import { satisfiesBidiRule } from './bidi-rule.js';
import { firstRefused, isFreeformCodePoint, isIdentifierCodePoint } from './code-points.js';
import { satisfiesContextualRules } from './contextual-rules.js';

/** Why a text cannot be prepared. The message continues a sentence that began with what the text is. */
export class PreparationError extends Error {
  override readonly name = 'PreparationError';
}

/** How often a profile is applied before a text that still changes is refused (RFC 8264 §7: once and three times more). */
const maxRounds = 4;

/**
 * The profile UsernameCaseMapped (RFC 8265 §3.3): full-width and half-width forms to ordinary ones, lower case, NFC.
 * The result prepares to itself.
 *
 * Lower case is Unicode's toLowerCase(), which knows a sigma at the end of a word, and never folds: `ß` and `ss` differ.
 * @throws {PreparationError} if the text holds what the IdentifierClass refuses, or breaks the Bidi Rule
 */
export function prepareUsername(text: string): string {
  return untilStable(text, enforceUsername);
}

/**
 * The profile OpaqueString (RFC 8265 §4.2): spaces of any kind to U+0020, NFC, the case kept. The result prepares to
 * itself.
 * @throws {PreparationError} if the text is empty or holds what the FreeformClass refuses
 */
export function prepareOpaqueString(text: string): string {
  return untilStable(text, enforceOpaqueString);
}

function enforceUsername(text: string): string {
  const prepared = mapWidth(text);
  refuse(prepared, isIdentifierCodePoint);
  const enforced = composed(prepared.toLowerCase());
  refuseContext(enforced);
  if (!satisfiesBidiRule(enforced)) throw new PreparationError('mixes directions of writing (RFC 5893)');
  return enforced;
}

function enforceOpaqueString(text: string): string {
  refuse(text, isFreeformCodePoint);
  const enforced = composed(text.replaceAll(/\p{Zs}/gu, ' '));
  refuseContext(enforced);
  return enforced;
}

function untilStable(text: string, enforce: (text: string) => string): string {
  if (text === '') throw new PreparationError('is empty');
  let current = text;
  for (let round = 0; round < maxRounds; round++) {
    const next = enforce(current);
    if (next === current) return next;
    current = next;
  }
  throw new PreparationError('has no stable form');
}

/** More marks on one character than any language has (UAX #15 §13). */
const tooManyMarks = /\p{M}{31}/u;

/**
 * The text in NFC. Marks are put in order there in a time that grows with the square of how many belong together: a text of
 * nothing else would keep everybody waiting.
 * @throws {PreparationError} if there are too many of them
 */
export function composed(text: string): string {
  if (tooManyMarks.test(text)) throw new PreparationError('holds a character with more than 30 marks');
  return text.normalize('NFC');
}

/**
 * Full-width and half-width forms to the ordinary ones. NFKC of these forms differs from the mapping of RFC 8265 only
 * where both results are refused (half-width Hangul, signs with a space in them).
 */
export function mapWidth(text: string): string {
  return text.replaceAll(/[\uff01-\uffee]/g, (form) => form.normalize('NFKC'));
}

/** @throws {PreparationError} naming the first character of which the test does not hold */
export function refuse(text: string, isAllowed: (character: string) => boolean): void {
  const refused = firstRefused(text, isAllowed);
  if (refused !== undefined) throw new PreparationError(`holds ${refused}, which is not allowed`);
}

/** @throws {PreparationError} if a contextual code point stands where it must not; the text is in its final form */
export function refuseContext(text: string): void {
  if (!satisfiesContextualRules(text)) {
    throw new PreparationError('holds a character that is not allowed in this place (RFC 5892)');
  }
}
