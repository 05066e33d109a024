import { type DataForm, fieldValue, fieldValues, formTypeOf, parseForm } from '../../../xmpp/data-form.js';
import { parseDateTime } from '../../../xmpp/date-time.js';
import type { Element } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { type PageRequest, parsePageRequest } from '../../../xmpp/result-set.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { ArchiveFilter } from '../store.js';
import { parseArchiveId } from './archive-ids.js';

/** What a client asks of its archive. */
export interface ArchiveQuery {
  /** Goes back with each result. */
  readonly queryId: string | undefined;
  /** Which messages match, wherever the page lies. */
  readonly filter: ArchiveFilter;
  /** Messages that are asked for one by one; the others of the query's conditions are theirs too. */
  readonly ids: readonly number[] | undefined;
  /** Ids that the archive has to have, or the query is in vain (XEP-0313 §3.1.5, §3.3). */
  readonly known: readonly number[];
  /** Where the page lies, and how large it may be. */
  readonly page: {
    readonly max: number | undefined;
    readonly after: number | undefined;
    readonly before: number | undefined;
    readonly isBackwards: boolean;
  };
  /** The results of the page come in reverse order (§3.3.2). */
  readonly isFlipped: boolean;
}

/** Bytes of what goes back with every result. */
const maxQueryIdBytes = 1_023;

/** Fields of the form (XEP-0313 §3.1), besides the one that says what form it is. */
export const queryFields = [
  { name: 'with', type: 'jid-single' },
  { name: 'start', type: 'text-single' },
  { name: 'end', type: 'text-single' },
  { name: 'before-id', type: 'text-single' },
  { name: 'after-id', type: 'text-single' },
  { name: 'ids', type: 'list-multi' },
  { name: 'include-groupchat', type: 'boolean' },
] as const;

type FieldName = (typeof queryFields)[number]['name'];

const fieldNames: ReadonlySet<string> = new Set(queryFields.map(({ name }) => name));

/**
 * Reads the `<query/>` of a client.
 * @throws {StanzaError} `bad-request` for a form or a value that is none, `feature-not-implemented` for an unknown field
 *   (XEP-0313 §3.1.6) or a node, `item-not-found` for an id that cannot be one, `policy-violation` for more than `maxIds`
 */
export function parseArchiveQuery(query: Element, maxIds: number): ArchiveQuery {
  if (query.attr('node') !== undefined) {
    throw new StanzaError('feature-not-implemented', 'This archive has no nodes.');
  }
  const form = parseQueryForm(query);
  const page = parsePage(parsePageRequest(query));
  const beforeId = parseId(form, 'before-id');
  const afterId = parseId(form, 'after-id');
  return {
    queryId: parseQueryId(query),
    filter: {
      ...parseWith(given(form, 'with')),
      after: highest(parseStart(given(form, 'start')), afterId),
      before: lowest(parseEnd(given(form, 'end')), beforeId),
    },
    ids: parseIds(form, maxIds),
    known: [beforeId, afterId, page.before, page.after].filter((id) => id !== undefined),
    page,
    isFlipped: query.child('flip-page') !== undefined,
  };
}

function parseQueryId(query: Element): string | undefined {
  const id = query.attr('queryid');
  if (id === undefined || Buffer.byteLength(id) <= maxQueryIdBytes) return id;
  throw badRequest(`queryid has at most ${maxQueryIdBytes} bytes.`);
}

function parsePage({ max, after, before, isBackwards }: PageRequest): ArchiveQuery['page'] {
  return {
    ...{ max, isBackwards },
    after: after === undefined ? undefined : parseArchiveId(after),
    before: before === undefined ? undefined : parseArchiveId(before),
  };
}

function parseQueryForm(query: Element): DataForm | undefined {
  const x = query.child('x', ns.dataForms);
  if (x === undefined) return undefined;
  const form = parseForm(x);
  if (form?.type !== 'submit' || formTypeOf(form) !== ns.archive) {
    throw badRequest(`The form is to be submitted, and its FORM_TYPE is ${ns.archive}.`);
  }
  const unknown = form.fields.find(({ var: name = '' }) => name !== 'FORM_TYPE' && !fieldNames.has(name));
  if (unknown === undefined) return form;
  throw new StanzaError('feature-not-implemented', 'The form has a field that is not known here.');
}

/** A field without a value says nothing. */
function given(form: DataForm | undefined, name: FieldName): string | undefined {
  const value = form && fieldValue(form, name);
  return value === '' ? undefined : value;
}

function parseWith(text: string | undefined): Pick<ArchiveFilter, 'withBare' | 'withResource'> {
  if (text === undefined) return {};
  const jid = Jid.tryParse(text);
  if (jid === undefined) throw badRequest('with is no address.');
  return { withBare: jid.bare().toString(), ...(jid.isFull && { withResource: jid.resource }) };
}

/** The id below all ids of that time and later. Messages have times in milliseconds. */
function parseStart(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Math.ceil(parseTime('start', text)) * 1000 - 1;
}

/** The id above all ids of that time and earlier. */
function parseEnd(text: string | undefined): number | undefined {
  return text === undefined ? undefined : (Math.floor(parseTime('end', text)) + 1) * 1000;
}

function parseTime(name: FieldName, text: string): number {
  const time = parseDateTime(text);
  if (time !== undefined) return time;
  throw badRequest(`${name} is no time as in 2026-01-31T12:00:00Z.`);
}

function parseId(form: DataForm | undefined, name: FieldName): number | undefined {
  const text = given(form, name);
  return text === undefined ? undefined : parseArchiveId(text);
}

function parseIds(form: DataForm | undefined, max: number): readonly number[] | undefined {
  const values = form === undefined ? [] : fieldValues(form, 'ids');
  if (values.length === 0) return undefined;
  const ids = new Set(values.map(parseArchiveId));
  if (ids.size <= max) return [...ids];
  throw new StanzaError('policy-violation', `At most ${max} messages are found at once.`);
}

function highest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function lowest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** The filter without what lies outside a page's bounds. */
export function filterOfPage({ filter, page }: Pick<ArchiveQuery, 'filter' | 'page'>): ArchiveFilter {
  return {
    ...filter,
    after: highest(filter.after, page.after),
    before: lowest(filter.before, page.before),
  };
}

function badRequest(text: string): StanzaError {
  return new StanzaError('bad-request', text);
}
