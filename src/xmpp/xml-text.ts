import { StreamError } from './stream-error.js';

/** What XML 1.0 §2.2 leaves out, as far as decoded UTF-8 can hold it: there, surrogates come in pairs only. */
const forbidden = /[^\t\n\r\x20-\ufffd]/;

const predefined: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', apos: "'", quot: '"' };
const reference = /&(?:#x0*([0-9a-fA-F]{1,6})|#0*([0-9]{1,7})|([^;&<\s]{1,64}));|&/g;
const entityName = /^[\p{L}_:][\p{L}\p{N}_:.-]*$/u;

export const malformed = (text: string) => new StreamError('not-well-formed', text);

/** The value of character data between tags (XML 1.0 §2.4, §2.11). */
export function readText(raw: string): string {
  checkCharacters(raw);
  if (raw.includes(']]>')) throw malformed('Text must not contain "]]>".');
  return expand(raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw);
}

/** The value of a CDATA section's content. */
export function readCdata(raw: string): string {
  checkCharacters(raw);
  return raw.replace(/\r\n?/g, '\n');
}

/** The value of an attribute: literal white space becomes a space, referenced stays (XML 1.0 §3.3.3). */
export function readAttribute(raw: string): string {
  checkCharacters(raw);
  return expand(/[\t\n\r]/.test(raw) ? raw.replace(/\r\n|[\t\n\r]/g, ' ') : raw);
}

function checkCharacters(raw: string): void {
  if (forbidden.test(raw)) throw malformed('A character is not allowed in XML.');
}

function expand(raw: string): string {
  return raw.includes('&') ? raw.replace(reference, resolve) : raw;
}

function resolve(_whole: string, hex?: string, decimal?: string, name?: string): string {
  if (hex !== undefined) return character(Number.parseInt(hex, 16));
  if (decimal !== undefined) return character(Number.parseInt(decimal, 10));
  if (name === undefined || !entityName.test(name)) throw malformed('An ampersand begins no reference.');
  const value = Object.hasOwn(predefined, name) ? predefined[name] : undefined;
  // RFC 6120 §11.1: no entities but the predefined ones.
  if (value === undefined)
    throw new StreamError('restricted-xml', 'There are no entities but the predefined ones.');
  return value;
}

function character(code: number): string {
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  const text = code > 0x10ffff || isSurrogate ? '\0' : String.fromCodePoint(code);
  if (forbidden.test(text)) throw malformed('A character reference names no XML character.');
  return text;
}
