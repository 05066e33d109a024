import { Element, newRecord } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { parseStored } from '../../../xmpp/stored-xml.js';
import { type Extensions, extensionElements, readExtensions } from './extensions.js';

/** What a client wants of notifications to its address: the details of its registration. */
export interface Details {
  /** The form that goes with each publish, exactly as the client has given it; the app server alone understands it. */
  readonly options: Element | undefined;
  readonly extensions: Extensions;
}

/** Which form of the text it is. */
const version = '1';

/** Each notification carries the options to somebody else's server: they must not make a small message a large one. */
const maxOptionsBytes = 8 * 1024;
const maxTextBytes = 64 * 1024;

/**
 * The details as they are stored: what `<enable/>` says of it, and nothing else that may stand there.
 * @throws {StanzaError} if it is too large
 */
export function detailsText(enable: Element): string {
  const options = optionsOf(enable);
  if (options !== undefined && Buffer.byteLength(serialize(options)) > maxOptionsBytes) {
    throw new StanzaError('policy-violation', `The publish options have at most ${maxOptionsBytes} bytes.`);
  }
  const extensions = extensionElements.flatMap(([name, space]) => enable.child(name, space) ?? []);
  const attrs = newRecord();
  const away = enable.attr('away');
  if (away !== undefined) attrs['away'] = away;
  const children = options === undefined ? extensions : [options, ...extensions];
  const text = version + serialize(new Element('enable', ns.push, attrs, children));
  if (Buffer.byteLength(text) <= maxTextBytes) return text;
  throw new StanzaError('policy-violation', `A request to enable has at most ${maxTextBytes} bytes.`);
}

/**
 * Reads the details of an `<enable/>`.
 * @throws {StanzaError} if it asks for what cannot be
 */
export function readDetails(enable: Element): Details {
  return { options: optionsOf(enable), extensions: readExtensions(enable) };
}

/** Reads what `detailsText` has written; undefined if it is none of that, or what is asked for there cannot be (any more). */
export function readDetailsText(text: string): Details | undefined {
  if (!text.startsWith(version)) return undefined;
  try {
    const enable = parseStored(text.slice(version.length));
    return enable.is('enable', ns.push) ? readDetails(enable) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The first form, whatever it says: XEP-0357 §5 gives it a type and a `FORM_TYPE`, but clients leave them out and servers do
 * not look, so that only the app server would gain by a refusal, and it sees the form anyway.
 */
function optionsOf(enable: Element): Element | undefined {
  return enable.child('x', ns.dataForms);
}
