/**
 * The longest beginning of a text whose characters take no more than so many bytes in all; no character is divided.
 * `sizeOf` tells what one takes.
 */
export function cutText(text: string, bytes: number, sizeOf: (codePoint: number) => number): string {
  let left = bytes;
  let end = 0;
  for (const character of text) {
    left -= sizeOf(character.codePointAt(0) ?? 0);
    if (left < 0) return text.slice(0, end);
    end += character.length;
  }
  return text;
}

/** Bytes of a character in UTF-8. */
export function utf8Size(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

const quote = 0x22;
const backslash = 0x5c;
/** Control characters that JSON writes by a letter: \b \t \n \f \r. */
const shortEscapes: ReadonlySet<number> = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

/** Bytes of a character in a string of JSON, as `JSON.stringify` writes it. */
export function jsonSize(codePoint: number): number {
  if (codePoint < 0x20) return shortEscapes.has(codePoint) ? 2 : 6;
  if (codePoint === quote || codePoint === backslash) return 2;
  const isHalfPair = codePoint >= 0xd800 && codePoint <= 0xdfff;
  return isHalfPair ? 6 : utf8Size(codePoint);
}
