import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { PasswordError } from '../account-admin.js';

/** A `<query/>` of XEP-0077 with these children; an empty text makes an empty element. */
export function registerQuery(fields: Readonly<Record<string, string>>): Element {
  return el(
    'query',
    ns.register,
    {},
    ...Object.entries(fields).map(([name, text]) =>
      el(name, ns.register, {}, ...(text === '' ? [] : [text])),
    ),
  );
}

/** The text of a field; undefined if it is absent. */
export function fieldOf(query: Element, name: string): string | undefined {
  return query.child(name, ns.register)?.text();
}

/**
 * Does what a new password is needed for; one that cannot be used is the client's fault.
 * @throws {StanzaError} (as rejection) `not-acceptable`, with what is wrong with the password
 */
export async function withPassword<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PasswordError) throw new StanzaError('not-acceptable', error.message);
    throw error;
  }
}
