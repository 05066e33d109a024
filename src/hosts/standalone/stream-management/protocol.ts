import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { StanzaCondition } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';

/** What the server says in stream management (XEP-0198), and how it reads what clients say. */

const sm = ns.streamManagement;

/** The stream feature. */
export const feature = el('sm', sm);

/** Asks the client what it has handled. */
export const request = el('r', sm);

/** Tells the client how many of its stanzas were handled. */
export const answer = (h: number): Element => el('a', sm, { h: `${h}` });

export interface EnableRequest {
  readonly isResumable: boolean;
  /** Seconds that the session should wait for its client at most; undefined if the client leaves it to the server. */
  readonly max: number | undefined;
}

/** Undefined if an attribute is not what it should be. */
export function parseEnable(enable: Element): EnableRequest | undefined {
  const isResumable = parseBoolean(enable.attr('resume') ?? 'false');
  const text = enable.attr('max');
  const max = text === undefined ? undefined : parseInteger(text);
  if (isResumable === undefined || (text !== undefined && (max === undefined || max === 0))) return undefined;
  return { isResumable, max };
}

/** `id` and `max`, in seconds, if the session can be resumed. */
export function enabled(resumable?: { readonly id: string; readonly max: number }): Element {
  if (resumable === undefined) return el('enabled', sm);
  // "true" and not "1", which some clients do not know.
  return el('enabled', sm, { id: resumable.id, resume: 'true', max: `${resumable.max}` });
}

export interface ResumeRequest {
  /** The session that is meant. */
  readonly id: string;
  /** What the client has handled. */
  readonly h: number;
}

/** Undefined if an attribute is missing, or is not what it should be. */
export function parseResume(resume: Element): ResumeRequest | undefined {
  const id = resume.attr('previd');
  const h = parseCount(resume);
  return id === undefined || h === undefined ? undefined : { id, h };
}

export const resumed = (id: string, h: number): Element => el('resumed', sm, { previd: id, h: `${h}` });

/** `h` is what was handled of a session that is over. */
export function failed(condition: StanzaCondition, h?: number): Element {
  return el('failed', sm, { h: h === undefined ? undefined : `${h}` }, el(condition, ns.stanzaErrors));
}

/** The `h` of an element; undefined if there is none, or it is no count of stanzas. */
export function parseCount(element: Element): number | undefined {
  const h = parseInteger(element.attr('h') ?? '');
  return h === undefined || h >= 2 ** 32 ? undefined : h;
}

/** The client says that it has handled more than it was sent (XEP-0198 §6). */
export function handledTooMany(h: number, sent: number): StreamError {
  const detail = el('handled-count-too-high', sm, { h: `${h}`, 'send-count': `${sent}` });
  const text = `You acknowledged ${h} stanzas, but were sent ${sent} so far.`;
  return new StreamError('undefined-condition', text, detail);
}

/** XML Schema's `boolean`. */
function parseBoolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

/** At most 15 digits, which are exact in a number. */
function parseInteger(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
