import type { Element } from '../../xmpp/element.js';
import { parseStored } from '../../xmpp/stored-xml.js';
import type { Turns } from './turns.js';

/** Characters of a text that is read at once. */
const shortText = 4_096;

/** As `parseStored`; a long text waits for its turn, so that nobody can make others wait by asking for many of them. */
export function parseInTurn(text: string, turns: Turns): Element | Promise<Element> {
  return text.length <= shortText ? parseStored(text) : turns.take(() => parseStored(text));
}
