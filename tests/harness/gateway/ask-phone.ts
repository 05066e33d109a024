import { fieldValue, parseForm } from '../../../src/xmpp/data-form.js';
import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { StanzaError } from '../../../src/xmpp/stanza-error.js';
import type { Phone } from '../cloud-notify/phone.js';
import { waitFor } from '../net.js';
import type { ReceivedPush, TestSubscription } from '../push-service.js';

/** What an entity says of itself (XEP-0030); `what`: the namespace of disco#info or disco#items. */
export async function discover(phone: Phone, what: string, to: string, node?: string): Promise<Element> {
  const answer = await phone.ask('get', el('query', what, { node }), to);
  const query = answer.child('query', what);
  if (query === undefined) throw new Error('an answer without what was asked for');
  return query;
}

/** Those attributes of each child of that name. */
export const attributes = (query: Element, child: string, ...names: readonly string[]) =>
  query
    .elements()
    .filter(({ name }) => name === child)
    .map((element) => names.map((name) => element.attr(name)));

/** The key that a browser subscribes with for a gateway. */
export async function keyOfGateway(phone: Phone, jid: string): Promise<string> {
  const info = await discover(phone, ns.discoInfo, jid);
  const forms = info.elements().flatMap((child) => parseForm(child) ?? []);
  const values = forms.map((form) => fieldValue(form, 'webpush#public-key'));
  const key = values.find((value) => value !== undefined);
  if (key === undefined) throw new Error(`${jid} has no key`);
  return key;
}

/** The condition of the error that a request is answered with, or `result`. */
export async function conditionOf(answer: Promise<Element>): Promise<string> {
  const stanza = await answer;
  return stanza.attr('type') === 'error' ? StanzaError.fromStanza(stanza).condition : 'result';
}

/** The push after so many. */
export async function nextPush({ received }: TestSubscription, before = 0): Promise<ReceivedPush> {
  await waitFor('a push', () => received.length > before, { timeout: 30_000 });
  const push = received[before];
  if (push === undefined) throw new Error('unreachable: there are more');
  return push;
}
