import { describe, expect, it } from 'vitest';
import { el } from './element.js';
import { ns } from './ns.js';
import { pageResult, parsePageRequest } from './result-set.js';

const rsm = (name: string, text?: string) =>
  el(name, ns.resultSets, {}, ...(text === undefined ? [] : [text]));
const query = (...children: ReturnType<typeof rsm>[]) =>
  el('query', 'urn:example', {}, el('set', ns.resultSets, {}, ...children));
const first = { max: undefined, after: undefined, before: undefined, isBackwards: false };

describe('parsePageRequest', () => {
  it.each([
    ['the first page without a set', el('query', 'urn:example'), first],
    ['the first page of an empty set', query(), first],
    ['a size', query(rsm('max', '10')), { ...first, max: 10 }],
    ['a count alone', query(rsm('max', '0')), { ...first, max: 0 }],
    [
      'the page behind an item',
      query(rsm('max', '5'), rsm('after', 'x y')),
      { ...first, max: 5, after: 'x y' },
    ],
    ['the page before an item', query(rsm('before', 'z')), { ...first, before: 'z', isBackwards: true }],
    ['the last page', query(rsm('before')), { ...first, isBackwards: true }],
    ['the first page after nothing', query(rsm('after')), first],
  ])('reads %s', (_, element, request) => {
    expect(parsePageRequest(element)).toEqual(request);
  });

  it.each(['', '-1', '1.5', 'ten', ' 1', '1e3', '9'.repeat(16)])('refuses a size of %j', (text) => {
    expect(() => parsePageRequest(query(rsm('max', text)))).toThrow(
      expect.objectContaining({ condition: 'bad-request', type: 'modify' }),
    );
  });

  it('knows no pages by index', () => {
    expect(() => parsePageRequest(query(rsm('index', '10')))).toThrow(
      expect.objectContaining({ condition: 'feature-not-implemented' }),
    );
  });
});

describe('pageResult', () => {
  it('has what is known', () => {
    expect(pageResult({ first: 'a', last: 'b', count: 0 })).toEqual(
      el('set', ns.resultSets, {}, rsm('first', 'a'), rsm('last', 'b'), rsm('count', '0')),
    );
    expect(pageResult({})).toEqual(el('set', ns.resultSets));
  });
});
