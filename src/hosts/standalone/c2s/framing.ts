import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';

/** What the server says when it opens a stream (RFC 6120 §4.7). */
export interface ServerHeader {
  readonly from: string;
  /** The client's own address, if it gave one. */
  readonly to: string | undefined;
  readonly id: string;
}

/** How a stream is written on what carries it. */
export interface Framing {
  header(header: ServerHeader): string;
  element(element: Element): string;
  readonly end: string;
}

const rootName = '<stream:stream';

/** A stream as one XML document (RFC 6120 §4). */
export const documentFraming: Framing = {
  header(header) {
    const root = serialize(el('stream', ns.streams, attributes(header)));
    const rest = root.slice(rootName.length, -'/>'.length);
    return `<?xml version='1.0'?>${rootName} xmlns='${ns.client}' xmlns:stream='${ns.streams}'${rest}>`;
  },
  element: (element) => serialize(element, ns.client),
  end: '</stream:stream>',
};

/** A stream as many XML documents, one for each WebSocket message (RFC 7395 §3.3). */
export const messageFraming: Framing = {
  header: (header) => serialize(el('open', ns.framing, attributes(header))),
  element: (element) => declareStreamPrefix(serialize(element)),
  end: `<close xmlns='${ns.framing}'/>`,
};

/** Texts of ours inside a stream are in English. */
function attributes({ from, to, id }: ServerHeader) {
  return { from, to, id, version: '1.0', 'xml:lang': 'en' };
}

/** No header binds the prefix here. Text has its `<` escaped, so where this stands it begins a tag. */
function declareStreamPrefix(text: string): string {
  if (!text.includes('<stream:')) return text;
  return text.replace(/^<[^\s/>]+/, (start) => `${start} xmlns:stream='${ns.streams}'`);
}
