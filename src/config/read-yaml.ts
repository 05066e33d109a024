import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import type { Given } from './given.js';
import type { Place, Problem } from './problem.js';
import { allKeys, type Key } from './schema.js';
import { unknownKeyText } from './suggest.js';
import { tooDeepAt } from './yaml-depth.js';

export interface YamlSource {
  /** What messages call the file. */
  readonly name: string;
  /** The folder that it is in. */
  readonly folder: string;
  readonly text: string;
}

/** What a walk through the document collects. */
interface Findings {
  readonly given: Given[];
  readonly problems: Problem[];
  /** Where each section begins. */
  readonly sections: Map<string, Place>;
}

/** Where a node or an offset is. */
type Locate = (at: unknown) => Place;

interface Walk extends Findings {
  readonly source: YamlSource;
  readonly locate: Locate;
}

/**
 * Reads the keys of a YAML document. Text that is no YAML, is no mapping or has aliases (whose expansion has no bound)
 * gives one problem and nothing else; unknown and repeated keys give one each, and the rest is read.
 */
export function readYaml(source: YamlSource): Findings & { readonly isRead: boolean } {
  const findings: Findings = { given: [], problems: [], sections: new Map() };
  const lines = new LineCounter();
  const locate: Locate = (at) => {
    const offset = typeof at === 'number' ? at : offsetOf(at);
    const { line, col } = lines.linePos(offset);
    return { source: source.name, line, column: col };
  };
  const root = parse(source.text, lines, (at, text) => findings.problems.push({ place: locate(at), text }));
  const isRead = findings.problems.length === 0;
  if (isMap(root)) readSection(root.items, '', { ...findings, source, locate });
  return { ...findings, isRead };
}

/** The document's contents; undefined if it is empty or was refused. */
function parse(
  text: string,
  lineCounter: LineCounter,
  refuse: (at: unknown, text: string) => void,
): Node | undefined {
  if (refuseDepth(text, lineCounter, refuse)) return undefined;
  // Without pretty errors, because those quote the source, and the source holds secrets.
  const options = { lineCounter, prettyErrors: false, uniqueKeys: false } as const;
  const document = parseDocument(text, options);
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) refuse(error.pos[0], yamlProblems[error.code] ?? yamlProblem);
  else if (document.contents !== null && !isMap(document.contents)) {
    if (!isScalar(document.contents) || document.contents.value !== null) {
      refuse(document.contents, 'the configuration has to be lines of the form "key: value"');
    }
  } else if (!refuseAliases(document.contents, refuse)) return document.contents ?? undefined;
  return undefined;
}

/** Before it is parsed, which would count the lines. */
function refuseDepth(
  text: string,
  lineCounter: LineCounter,
  refuse: (at: unknown, text: string) => void,
): boolean {
  const offset = tooDeepAt(text);
  if (offset === undefined) return false;
  lineCounter.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lineCounter.addNewLine(index + 1);
  refuse(offset, depthProblem);
  return true;
}

function refuseAliases(contents: Node | null, refuse: (at: unknown, text: string) => void): boolean {
  let found: unknown;
  visit(contents, {
    Alias: (_key, node) => {
      found = node;
      return visit.BREAK;
    },
  });
  if (found !== undefined) refuse(found, aliasProblem);
  return found !== undefined;
}

const aliasProblem = 'aliases (*name) are not supported; write the value out, in quotes if it begins with *';

const depthProblem = 'lists and sections are nested too deeply';

const yamlProblem =
  'this is not valid YAML; check the indentation, and put values that begin with [ { * & ! | > % @ ` in quotes';

/** By the parser's code; its own messages may quote the source. */
const yamlProblems: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'YAML indents with spaces, not with tabs',
  MISSING_CHAR: 'a closing quote or bracket is missing',
  BAD_INDENT: 'the indentation is wrong; keys of one section begin in the same column',
  BLOCK_AS_IMPLICIT_KEY: 'there is a second colon in the line; put the value in quotes',
  RESOURCE_EXHAUSTION: depthProblem,
  MULTIPLE_DOCS: 'a second document begins here; remove the line ---',
  TAG_RESOLVE_FAILED: 'tags (!name) are not supported; write the value alone, in quotes if it begins with !',
};

function readSection(items: readonly Pair[], prefix: string, walk: Walk): void {
  const seen = new Set<string>();
  for (const { key, value } of items) {
    const name = nameOf(key);
    const path = `${prefix}${name}`;
    const place = walk.locate(key);
    if (seen.has(path)) {
      walk.problems.push({ place, key: path, text: 'is written twice; remove one' });
    } else {
      seen.add(path);
      readEntry({ prefix, name, path, place, value }, walk);
    }
  }
}

interface Entry {
  readonly prefix: string;
  readonly name: string;
  readonly path: string;
  readonly place: Place;
  readonly value: unknown;
}

function readEntry({ prefix, name, path, place, value }: Entry, walk: Walk): void {
  const key = allKeys.find((candidate) => candidate.path === path);
  const isSection = allKeys.some((candidate) => candidate.path.startsWith(`${path}.`));
  if (key !== undefined) readValue(key, place, value, walk);
  else if (!isSection) walk.problems.push({ place, key: path, text: unknownKeyText(prefix, name) });
  else if (isMap(value)) {
    walk.sections.set(path, place);
    readSection(value.items, `${path}.`, walk);
  } else if (!isEmpty(value)) {
    const text = 'is a section; write its keys indented below it';
    walk.problems.push({ place: walk.locate(value), key: path, text });
  } else walk.sections.set(path, place);
}

function readValue(key: Key, keyPlace: Place, value: unknown, walk: Walk): void {
  if (isEmpty(value)) {
    walk.problems.push({ place: keyPlace, key: key.path, text: 'has no value; give one or remove the line' });
    return;
  }
  if (isMap(value)) refuseRepeated(key, value.items, walk);
  const { folder } = walk.source;
  const place = walk.locate(value);
  walk.given.push({ ...key, value: toPlain(value), place, folder, items: placesIn(value, walk) });
}

function refuseRepeated(key: Key, entries: readonly Pair[], walk: Walk): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const name = entryName(entry);
    if (seen.has(name)) {
      const text = `has ${nameOf(entry.key)} twice; remove one`;
      walk.problems.push({ place: walk.locate(entry.key), key: key.path, text });
    }
    seen.add(name);
  }
}

function placesIn(value: unknown, walk: Walk): ReadonlyMap<PropertyKey, Place> {
  if (isSeq(value)) return new Map(value.items.map((item, index) => [index, walk.locate(item)]));
  if (!isMap(value)) return new Map();
  return new Map(value.items.map((entry) => [entryName(entry), walk.locate(entry.key)]));
}

function entryName({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (isScalar(value) && value.value === null);
}

/** Scalars, and lists and sections of them; what is deeper is no value of any key: that it is a section is all that counts. */
function toPlain(value: unknown): unknown {
  const plain = (item: unknown) => (isScalar(item) ? item.value : {});
  if (isSeq(value)) return value.items.map(plain);
  if (!isMap(value)) return plain(value);
  return Object.fromEntries(value.items.map((entry) => [entryName(entry), plain(entry.value)]));
}

function nameOf(key: unknown): string {
  if (!isScalar(key)) return '?';
  return String(key.value).slice(0, 100);
}

function offsetOf(node: unknown): number {
  const hasRange = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
  return hasRange ? (node.range?.[0] ?? 0) : 0;
}
