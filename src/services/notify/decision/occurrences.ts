/**
 * Where in a text a word begins, overlapping ones included (Knuth, Morris, Pratt). Whatever the two are, it takes no longer than
 * both are long; `indexOf` and patterns take so much for each place in the text if somebody means it.
 */
export function* occurrences(text: string, word: string): Iterable<number> {
  if (word === '') return;
  const borders = bordersOf(word);
  let matched = 0;
  for (let at = 0; at < text.length; at++) {
    matched = extended(matched, text.charCodeAt(at), word, borders);
    if (matched < word.length) continue;
    yield at + 1 - matched;
    matched = borders[matched - 1] ?? 0;
  }
}

/** Of each beginning of the word: how much of its end is a shorter beginning. */
function bordersOf(word: string): Uint32Array {
  const borders = new Uint32Array(word.length);
  for (let at = 1; at < word.length; at++) {
    borders[at] = extended(borders[at - 1] ?? 0, word.charCodeAt(at), word, borders);
  }
  return borders;
}

/** How much of the word is matched when one more code unit comes. */
function extended(matched: number, unit: number, word: string, borders: Uint32Array): number {
  let length = matched;
  while (length > 0 && word.charCodeAt(length) !== unit) length = borders[length - 1] ?? 0;
  return word.charCodeAt(length) === unit ? length + 1 : 0;
}
