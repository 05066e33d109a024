import type { Element } from './element.js';
import { ns } from './ns.js';

/** All but the characters that stand for themselves in text and in attributes; one class, for each value is tested. */
const needsEscape = /[^ !#-%(-;=?-\ud7ff\ue000-\ufffd]/;
const escapable = /[&<>]|[^\t\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const attributeEscapable = /[&<>'"\t\n]|[^\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** What XML 1.0 cannot carry even as a reference becomes U+FFFD, so that nothing we send is ill-formed. */
const reference = (character: string) => references[character] ?? '\ufffd';

/** Text between tags, escaped. */
function escapeText(text: string): string {
  return needsEscape.test(text) ? text.replace(escapable, reference) : text;
}

/** An attribute's value, escaped so that white space survives the reader's normalisation (XML 1.0 §3.3.3). */
function escapeAttribute(value: string): string {
  return needsEscape.test(value) ? value.replace(attributeEscapable, reference) : value;
}

/**
 * An element as XML. One in `parentNs` is written without a declaration, so that with `jabber:client` a stanza takes
 * the default namespace of the stream it is sent on. Elements of the streams namespace get the prefix `stream`, which
 * the stream's header binds. Of prefixed attributes only `xml:` ones are written: other prefixes are not known here.
 */
export function serialize(element: Element, parentNs = ''): string {
  const prefixed = element.ns === ns.streams;
  const name = prefixed ? `stream:${element.name}` : element.name;
  let text = `<${name}`;
  if (!prefixed && element.ns !== parentNs) text += ` xmlns='${escapeAttribute(element.ns)}'`;
  for (const key of Object.keys(element.attrs)) {
    if (key === 'xmlns' || (key.includes(':') && !key.startsWith('xml:'))) continue;
    text += ` ${key}='${escapeAttribute(element.attrs[key] ?? '')}'`;
  }
  if (element.children.length === 0) return `${text}/>`;
  text += '>';
  const inner = prefixed ? parentNs : element.ns;
  for (const child of element.children) {
    text += typeof child === 'string' ? escapeText(child) : serialize(child, inner);
  }
  return `${text}</${name}>`;
}
