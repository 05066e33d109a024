import { formToElement } from '../../../xmpp/data-form.js';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { pageResult } from '../../../xmpp/result-set.js';
import { timeOfId } from './archive-ids.js';
import type { ArchivePage } from './page.js';
import { queryFields } from './query.js';

const timeText = (id: number) => new Date(timeOfId(id)).toISOString();

interface ResultOptions {
  /** The archive's account. */
  readonly from: string;
  /** Who asked. */
  readonly to: string;
  readonly id: number;
  readonly queryId: string | undefined;
  /** Undefined for one that cannot be read: then its place is still there (XEP-0313 §2.2). */
  readonly message: Element | undefined;
}

/** A message with a message of the archive in it (XEP-0313 §3.2). */
export function resultMessage({ from, to, id, queryId, message }: ResultOptions): Element {
  const delay = el('delay', ns.delay, { stamp: timeText(id) });
  const forwarded = el('forwarded', ns.forward, {}, delay, ...(message === undefined ? [] : [message]));
  const result = el('result', ns.archive, { id: String(id), queryid: queryId }, forwarded);
  return el('message', ns.client, { from, to }, result);
}

/** The answer after all results of a page. */
export function finElement({ messages, isComplete, count }: ArchivePage): Element {
  const [first, last] = [messages[0], messages.at(-1)];
  const set = pageResult({ first: first && String(first.id), last: last && String(last.id), count });
  return el('fin', ns.archive, isComplete ? { complete: 'true' } : {}, set);
}

/** The form that a client may fill in; clients choose any `ids` (XEP-0313 §3.1.6, XEP-0122). */
export function queryForm(): Element {
  const form = formToElement({
    type: 'form',
    fields: [
      { var: 'FORM_TYPE', type: 'hidden', values: [ns.archive] },
      ...queryFields.map(({ name, type }) => ({ var: name, type, values: [] })),
    ],
  });
  const open = el('validate', ns.dataValidation, { datatype: 'xs:string' }, el('open', ns.dataValidation));
  const isIds = (field: Element) => field.attr('var') === 'ids';
  const fields = form.elements().map((field) => (isIds(field) ? field.withChildren([open]) : field));
  return el('query', ns.archive, {}, form.withChildren(fields));
}

/** Where the archive begins and ends (XEP-0313 §4). */
export function metadataElement(
  ends: { readonly first: number; readonly last: number } | undefined,
): Element {
  if (ends === undefined) return el('metadata', ns.archive);
  const end = (name: string, id: number) => el(name, ns.archive, { id: String(id), timestamp: timeText(id) });
  return el('metadata', ns.archive, {}, end('start', ends.first), end('end', ends.last));
}
