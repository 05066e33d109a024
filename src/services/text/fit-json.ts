import { cutText, jsonSize } from './cut-text.js';

/**
 * An object as JSON of at most so many bytes. What does not fit is cut at the end of `text`, at a character; if that were nothing of
 * it, the member goes, and then those that are `expendable`, one after another, until it fits. Without any of them it may still be
 * longer.
 */
export function fitJson<N extends string, T extends { readonly [name in N]?: string }>(
  whole: T,
  text: N,
  expendable: readonly (keyof T)[],
  maxBytes: number,
): string {
  const json = JSON.stringify(whole);
  if (Buffer.byteLength(json) <= maxBytes) return json;
  const room = maxBytes - Buffer.byteLength(JSON.stringify({ ...whole, [text]: '' }));
  const cut = cutText(whole[text] ?? '', room, jsonSize);
  if (cut !== '') return JSON.stringify({ ...whole, [text]: cut });
  return withoutSome(whole, [text, ...expendable], maxBytes);
}

function withoutSome<T>(whole: T, expendable: readonly (keyof T)[], maxBytes: number): string {
  const left: Partial<T> = { ...whole };
  for (const name of expendable) {
    delete left[name];
    const json = JSON.stringify(left);
    if (Buffer.byteLength(json) <= maxBytes) return json;
  }
  return JSON.stringify(left);
}
