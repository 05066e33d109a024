import type { Element } from './element.js';
import { ns } from './ns.js';
import { defaultParserLimits, StreamParser } from './parser.js';

const header = Buffer.from(`<stream:stream xmlns:stream='${ns.streams}'>`);
const nothing = () => {};

/**
 * Reads an element that was stored as `serialize` writes it.
 * @throws {Error} if the text is not exactly one element
 */
export function parseStored(text: string): Element {
  const bytes = Buffer.from(text);
  const found: Element[] = [];
  const parser = new StreamParser(
    { onOpen: nothing, onStanza: (element) => found.push(element), onClose: nothing },
    // What is stored was bounded when it arrived. Written, it may be longer, by references and declarations.
    {
      limits: {
        stanzaBytes: header.length + bytes.length + 1,
        attributes: 2 * defaultParserLimits.attributes,
      },
    },
  );
  parser.write(header);
  parser.write(bytes);
  const [element] = found;
  if (element === undefined || found.length > 1) throw new Error('stored XML is not one element');
  return element;
}
