import type { Element } from '../../xmpp/element.js';

/** About what an element and each of its attributes take in memory, beside their text. */
const elementBytes = 100;
const attributeBytes = 50;

/** Stanzas as they are take less memory than this many times their text; their text is what they count for. */
const usualFactor = 4;

/**
 * What a stanza counts for that waits for somebody to read: the bytes of its text or, if that is made of so many small
 * elements that they take far more memory than others of that length, a part of the memory.
 */
export function queueCost(stanza: Element, text: string): number {
  return Math.max(Buffer.byteLength(text), Math.round(memoryOf(stanza) / usualFactor));
}

/** Whoever has so much before him does not read as fast as others write. */
const backlogBytes = 64 * 1024;

/** As `queueCost` behind a backlog, given in bytes; undefined, for the bytes of the text, where there is none to speak of. */
export function costBehind(backlog: number, stanza: Element, text: string): number | undefined {
  return backlog > backlogBytes ? queueCost(stanza, text) : undefined;
}

/** Called for every stanza that is kept: makes nothing. */
function memoryOf({ attrs, children }: Element): number {
  let bytes = elementBytes;
  for (const _name in attrs) bytes += attributeBytes;
  for (const child of children) if (typeof child !== 'string') bytes += memoryOf(child);
  return bytes;
}

/** As `queueCost`, for what is kept as it is and not as text: about as much, without writing it down. */
export function keptCost(stanza: Element): number {
  return textLength(stanza) + Math.round(memoryOf(stanza) / usualFactor);
}

function textLength({ attrs, children }: Element): number {
  let length = 0;
  for (const name in attrs) length += attrs[name]?.length ?? 0;
  for (const child of children) length += typeof child === 'string' ? child.length : textLength(child);
  return length;
}
