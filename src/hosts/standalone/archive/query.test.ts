import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { parseArchiveQuery } from './query.js';

const value = (text: string) => el('value', ns.dataForms, {}, text);
const field = (name: string, ...values: string[]) =>
  el('field', ns.dataForms, { var: name }, ...values.map(value));
const form = (...fields: Element[]) =>
  el('x', ns.dataForms, { type: 'submit' }, field('FORM_TYPE', ns.archive), ...fields);
const query = (...children: Element[]) => el('query', ns.archive, {}, ...children);
const set = (...children: Element[]) => el('set', ns.resultSets, {}, ...children);
const rsm = (name: string, text: string) => el(name, ns.resultSets, {}, text);

const parse = (element: Element) => parseArchiveQuery(element, 3);
const filterOf = (...fields: Element[]) => parse(query(form(...fields))).filter;

const second = Date.parse('2026-01-02T03:04:05Z');

describe('parseArchiveQuery', () => {
  it('reads a query for everything', () => {
    expect(parse(query())).toEqual({
      queryId: undefined,
      filter: { after: undefined, before: undefined },
      ids: undefined,
      known: [],
      page: { max: undefined, after: undefined, before: undefined, isBackwards: false },
      isFlipped: false,
    });
    expect(parse(query(form()))).toEqual(parse(query()));
  });

  it('reads with whom', () => {
    expect(filterOf(field('with', 'Juliet@Capulet.example'))).toMatchObject({
      withBare: 'juliet@capulet.example',
    });
    expect(filterOf(field('with', 'Juliet@capulet.example'))).not.toHaveProperty('withResource');
    expect(filterOf(field('with', 'capulet.example/Balcony'))).toMatchObject({
      withBare: 'capulet.example',
      withResource: 'Balcony',
    });
  });

  it('reads times, which messages of that millisecond match', () => {
    const { after = 0, before = 0 } = filterOf(
      field('start', '2026-01-02T03:04:05Z'),
      field('end', '2026-01-02T04:04:05+01:00'),
    );
    expect([after, before]).toEqual([second * 1000 - 1, (second + 1) * 1000]);
    const finer = filterOf(
      field('start', '2026-01-02T03:04:05.0005Z'),
      field('end', '2026-01-02T03:04:05.0005Z'),
    );
    expect(finer).toEqual({ after: (second + 1) * 1000 - 1, before: (second + 1) * 1000 });
  });

  it('reads ids, and takes the narrower of two bounds', () => {
    const both = parse(
      query(
        form(
          field('start', '1970-01-01T00:00:01Z'),
          field('after-id', '5000000'),
          field('before-id', '6000000'),
        ),
      ),
    );
    expect(both.filter).toEqual({ after: 5_000_000, before: 6_000_000 });
    expect(both.known.toSorted()).toEqual([5_000_000, 6_000_000]);
    expect(filterOf(field('start', '1970-01-01T00:00:09Z'), field('after-id', '5')).after).toBe(8_999_999);
    expect(filterOf(field('end', '1970-01-01T00:00:00Z'), field('before-id', '5000')).before).toBe(1_000);
  });

  it('reads which messages are wanted', () => {
    expect(parse(query(form(field('ids', '3', '1', '3')))).ids).toEqual([3, 1]);
    expect(parse(query(form(field('ids')))).ids).toBeUndefined();
  });

  it('reads the page', () => {
    const page = parse(query(set(rsm('max', '5'), rsm('after', '7')))).page;
    expect(page).toEqual({ max: 5, after: 7, before: undefined, isBackwards: false });
    expect(parse(query(set(rsm('before', '')))).page).toMatchObject({ before: undefined, isBackwards: true });
    expect(parse(query(set(rsm('before', '9')))).known).toEqual([9]);
    expect(parse(query(el('flip-page', ns.archive))).isFlipped).toBe(true);
  });

  it('passes over fields without a value, and whether rooms are wanted, of which there is nothing', () => {
    const empty = ['with', 'start', 'end', 'before-id', 'after-id'].map((name) => field(name, ''));
    expect(parse(query(form(...empty, field('include-groupchat', 'true'))))).toEqual(parse(query()));
    expect(parse(query(form(field('with'))))).toEqual(parse(query()));
  });

  it.each([
    ['a form that is none', query(el('x', ns.dataForms, { type: 'odd' }))],
    ['a form that is not submitted', query(form().withAttrs({ type: 'form' }))],
    ['another form', query(el('x', ns.dataForms, { type: 'submit' }, field('FORM_TYPE', 'urn:example')))],
    ['no FORM_TYPE', query(el('x', ns.dataForms, { type: 'submit' }, field('with', 'a@b.example')))],
    ['an address that is none', query(form(field('with', 'a@b@c')))],
    ['a start that is no time', query(form(field('start', 'yesterday')))],
    ['an end that is no time', query(form(field('end', '2026-02-30T00:00:00Z')))],
    ['a size that is none', query(set(rsm('max', 'x')))],
    ['a queryid that would be sent with every result', query().withAttrs({ queryid: 'x'.repeat(1_024) })],
  ])('refuses %s', (_, element) => {
    expect(() => parse(element)).toThrow(
      expect.objectContaining({ condition: 'bad-request', type: 'modify' }),
    );
  });

  it.each([
    ['an unknown field', query(form(field('{urn:example}text', 'x'))), 'feature-not-implemented'],
    [
      'a field without name',
      query(form(el('field', ns.dataForms, {}, value('x')))),
      'feature-not-implemented',
    ],
    ['a page by index', query(set(rsm('index', '1'))), 'feature-not-implemented'],
    ['a node', query().withAttrs({ node: 'x' }), 'feature-not-implemented'],
    ['an id that is none, in the form', query(form(field('after-id', 'x'))), 'item-not-found'],
    ['an id that is none, in the page', query(set(rsm('before', 'x'))), 'item-not-found'],
    ['an id that is none, in a list', query(form(field('ids', '1', 'x'))), 'item-not-found'],
    ['more ids than there may be results', query(form(field('ids', '1', '2', '3', '4'))), 'policy-violation'],
  ])('has no use for %s', (_, element, condition) => {
    expect(() => parse(element)).toThrow(expect.objectContaining({ condition }));
  });

  it('says nothing but a stanza error to whatever comes', () => {
    const names = fc.constantFrom(
      'with',
      'start',
      'end',
      'before-id',
      'after-id',
      'ids',
      'FORM_TYPE',
      'other',
    );
    const fields = fc.array(fc.tuple(names, fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 })));
    const pages = fc.array(fc.tuple(fc.constantFrom('max', 'before', 'after', 'index'), fc.string()));
    fc.assert(
      fc.property(fields, pages, (given, page) => {
        const element = query(
          form(...given.map(([name, values]) => field(name, ...values))),
          set(...page.map(([name, text]) => rsm(name, text))),
        );
        try {
          parse(element);
        } catch (error) {
          expect(error).toBeInstanceOf(StanzaError);
        }
      }),
    );
  });
});
