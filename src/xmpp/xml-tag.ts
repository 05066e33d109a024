import { type Attributes, newRecord, noAttributes } from './element.js';
import { ns } from './ns.js';
import { StreamError } from './stream-error.js';
import { malformed, readAttribute } from './xml-text.js';

/**
 * Namespaces by prefix; the default namespace under the empty one. What an element declares hides what it inherits.
 * Linked, not copied: an element's declarations must not cost more for those around it.
 */
export interface Scope {
  readonly declared: Readonly<Record<string, string>>;
  readonly outer: Scope | undefined;
}

/** What is bound before any declaration. */
export const rootScope: Scope = {
  declared: Object.assign(newRecord(), { '': '', xml: ns.xml }),
  outer: undefined,
};

export interface TagLimits {
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number;
  /** UTF-16 units of an element's or attribute's name with its prefix. */
  readonly nameLength: number;
}

/** A start tag, read and resolved. */
export interface Tag {
  /** The name with its prefix, as the end tag has to repeat it. */
  readonly qname: string;
  readonly name: string;
  readonly ns: string;
  readonly attrs: Attributes;
  readonly scope: Scope;
  readonly isEmpty: boolean;
}

const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';
const plainName = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
/** NCName (Namespaces in XML 1.0 §3), by the ranges of XML 1.0 §2.3. */
const startCharacters =
  'A-Z_a-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef' +
  '\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}';
const anyName = new RegExp(
  `^[${startCharacters}][${startCharacters}.0-9\\-\\xb7\\u0300-\\u036f\\u203f\\u2040]*$`,
  'u',
);

const isSpace = (code: number) => code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d;
const slash = 0x2f;
const doubleQuote = 0x22;
const singleQuote = 0x27;
const endOfTagName = /[ \t\n\r/]/;

/** Reads what stands between `<` and `>` of a start tag or an empty element's tag. */
export function readTag(text: string, outer: Scope, limits: TagLimits): Tag {
  const found = text.search(endOfTagName);
  const qname = found === -1 ? text : text.slice(0, found);
  checkLength(qname, limits);
  const raw = found === -1 ? noRawAttributes : readAttributes(text, found, limits);
  const scope = raw.length === 0 ? outer : declare(raw, outer);
  const [prefix, name] = splitName(qname);
  if (prefix === 'xml') throw new StreamError('bad-namespace-prefix', 'No element has the prefix xml.');
  const uri = lookUp(prefix, scope);
  const attrs = raw.length === 0 ? noAttributes : resolve(raw, scope);
  return { qname, name, ns: uri, attrs, scope, isEmpty: text.endsWith('/') };
}

/** The namespace of elements without a prefix. */
export function defaultNamespace(scope: Scope): string {
  return lookUp('', scope);
}

/** True if the tag itself says what its namespace is, and does not only use what the scope around it declares. */
export function declaresOwnNamespace({ qname, scope }: Tag, outer: Scope): boolean {
  if (scope === outer) return false;
  const colon = qname.indexOf(':');
  return scope.declared[colon === -1 ? '' : qname.slice(0, colon)] !== undefined;
}

/** The name in an end tag, given what stands between `</` and `>`. */
export function readEndTag(text: string): string {
  return withoutTrailingSpace(text);
}

/** An attribute as it stands, its name with the prefix. */
interface RawAttribute {
  readonly name: string;
  readonly value: string;
}

const noRawAttributes: readonly RawAttribute[] = [];

function readAttributes(text: string, start: number, limits: TagLimits): readonly RawAttribute[] {
  const found: RawAttribute[] = [];
  let at = start;
  for (;;) {
    const begin = skipSpace(text, at);
    if (begin === text.length) return found;
    if (text.charCodeAt(begin) === slash && begin === text.length - 1) return found;
    if (begin === at) throw malformed('A tag is malformed.');
    if (found.length === limits.attributes)
      throw new StreamError('policy-violation', 'An element has too many attributes.');
    at = readAttributeAt(text, begin, found, limits);
  }
}

/** Reads one attribute that begins at `begin`; answers where it ends. */
function readAttributeAt(text: string, begin: number, found: RawAttribute[], limits: TagLimits): number {
  const equals = text.indexOf('=', begin);
  const open = equals === -1 ? -1 : skipSpace(text, equals + 1);
  const mark = text.charCodeAt(open);
  const close = mark === doubleQuote || mark === singleQuote ? text.indexOf(text.charAt(open), open + 1) : -1;
  if (close === -1) throw malformed('A tag is malformed.');
  const name = withoutTrailingSpace(text.slice(begin, equals));
  checkLength(name, limits);
  for (const other of found) if (other.name === name) throw malformed('An attribute stands twice.');
  found.push({ name, value: readAttribute(text.slice(open + 1, close)) });
  return close + 1;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}

function checkLength(name: string, { nameLength }: TagLimits): void {
  if (name.length > nameLength) throw new StreamError('policy-violation', 'A name is too long.');
}

/** Prefix and local name, both valid. */
function splitName(qname: string): [prefix: string, name: string] {
  const colon = qname.indexOf(':');
  const prefix = colon === -1 ? '' : qname.slice(0, colon);
  const name = colon === -1 ? qname : qname.slice(colon + 1);
  if (!isName(name) || (colon !== -1 && !isName(prefix))) throw malformed('A name is malformed.');
  return [prefix, name];
}

/** The namespace that a prefix is bound to. One that is not is against Namespaces in XML (RFC 6120 §4.9.3.13). */
function lookUp(prefix: string, scope: Scope): string {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const uri = at.declared[prefix];
    if (uri !== undefined) return uri;
  }
  throw malformed('A prefix is not declared.');
}

const isDeclaration = (qname: string) => qname === 'xmlns' || qname.startsWith('xmlns:');

function isName(text: string): boolean {
  return plainName.test(text) || anyName.test(text);
}

function declare(raw: readonly RawAttribute[], outer: Scope): Scope {
  let declared: Record<string, string> | undefined;
  for (const { name: qname, value: uri } of raw) {
    if (!isDeclaration(qname)) continue;
    const prefix = qname.slice('xmlns:'.length);
    checkDeclaration(prefix, uri, qname !== 'xmlns');
    declared ??= newRecord();
    declared[prefix] = uri;
  }
  return declared === undefined ? outer : { declared, outer };
}

/** Namespaces in XML 1.0 §3: what `xml` and `xmlns` mean is fixed, and a prefix cannot be taken back. */
function checkDeclaration(prefix: string, uri: string, hasPrefix: boolean): void {
  const isFixed = prefix === 'xmlns' || uri === xmlnsNamespace || (prefix === 'xml') !== (uri === ns.xml);
  if (isFixed || (hasPrefix && (uri === '' || !isName(prefix))))
    throw malformed('A namespace declaration is malformed.');
}

/** The attributes without the declarations; the same name twice by two prefixes is once too often. */
function resolve(raw: readonly RawAttribute[], scope: Scope): Attributes {
  if (raw.every(({ name }) => isDeclaration(name))) return noAttributes;
  const attrs = newRecord();
  let prefixed: Set<string> | undefined;
  for (const { name: qname, value } of raw) {
    if (isDeclaration(qname)) continue;
    const [prefix, name] = splitName(qname);
    if (prefix !== '') {
      const expanded = `${name} ${lookUp(prefix, scope)}`;
      if (prefixed?.has(expanded)) throw malformed('An attribute stands twice.');
      prefixed = (prefixed ?? new Set()).add(expanded);
    }
    attrs[qname] = value;
  }
  return attrs;
}
