/** The longest text that is shown whole, in characters, and the most bytes in a hex excerpt. */
const maxCharacters = 1_000;
const maxHexBytes = 32;

/** A line about a push, harmless on any terminal: when, how many bytes, and what they say if they are text. */
export function showPush(payload: Uint8Array, at: Date): string {
  const time = at.toTimeString().slice(0, 8);
  return `${time}  ${payload.length} ${payload.length === 1 ? 'byte' : 'bytes'}: ${showContents(payload)}`;
}

function showContents(payload: Uint8Array): string {
  const text = decode(payload);
  return text === undefined ? showHex(payload) : showText(text);
}

/** Undefined if it is not UTF-8, or holds control characters other than those of lines. */
function decode(payload: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    return /[^\t\n\r\P{Cc}]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function showText(text: string): string {
  const characters = [...text];
  const shown = characters.slice(0, maxCharacters).join('');
  return harmless(shown) + (characters.length > maxCharacters ? '…' : '');
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/**
 * What could end the line, turn the direction of writing or look like nothing is written as an escape: controls, format
 * characters, separators of lines, private use and what is not assigned.
 */
function harmless(text: string): string {
  return text.replace(/[\\\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return escapes[character] ?? `\\u{${code.toString(16)}}`;
  });
}

function showHex(payload: Uint8Array): string {
  const hex = Buffer.from(payload.subarray(0, maxHexBytes)).toString('hex');
  return `${hex.replace(/..(?!$)/g, '$& ')}${payload.length > maxHexBytes ? ' …' : ''}`;
}
