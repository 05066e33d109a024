/**
 * The inside of a character class of a regular expression with the flag `u`.
 * @param ranges code points and ranges of them in hexadecimal, separated by spaces (`5be 5d0-5ea`)
 */
export function characterClass(ranges: string): string {
  return ranges.replaceAll(/[0-9a-f]+/g, '\\u{$&}').replaceAll(' ', '');
}
