import { type Element, el } from './element.js';
import { ns } from './ns.js';
import { StanzaError } from './stanza-error.js';

/** Which page of a result set is asked for (XEP-0059). */
export interface PageRequest {
  /** The most items that are wanted; undefined for as many as there may be in a page. */
  readonly max: number | undefined;
  /** The page begins behind this item. */
  readonly after: string | undefined;
  /** The page ends before this item. */
  readonly before: string | undefined;
  /** The last items before the end are meant, and not the first ones (XEP-0059 §2.3, §2.5). */
  readonly isBackwards: boolean;
}

/** What is told of a page. */
export interface PageResult {
  readonly first?: string | undefined;
  readonly last?: string | undefined;
  /** How many items there are in the whole set. */
  readonly count?: number | undefined;
}

/**
 * Reads the `<set/>` in an element; without it, the first page is meant.
 * @throws {StanzaError} `bad-request` if `max` is no number, `feature-not-implemented` for a page by index (XEP-0059 §2.4)
 */
export function parsePageRequest(parent: Element): PageRequest {
  const set = parent.child('set', ns.resultSets);
  const before = set?.child('before')?.text();
  if (set?.child('index') !== undefined) {
    throw new StanzaError('feature-not-implemented', 'Pages are found by items, not by index.');
  }
  return {
    max: parseMax(set?.child('max')?.text()),
    after: notEmpty(set?.child('after')?.text()),
    before: notEmpty(before),
    isBackwards: before !== undefined,
  };
}

function parseMax(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new StanzaError('bad-request', 'max is a number.');
}

function notEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** The `<set/>` of a page. */
export function pageResult({ first, last, count }: PageResult): Element {
  const child = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [el(name, ns.resultSets, {}, String(value))];
  return el(
    'set',
    ns.resultSets,
    {},
    ...child('first', first),
    ...child('last', last),
    ...child('count', count),
  );
}
