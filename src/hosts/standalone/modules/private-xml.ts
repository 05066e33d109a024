import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { AccountIq, Server, ServerModule } from '../module.js';
import { parseInTurn } from '../parse-in-turn.js';
import { accountLimits } from '../settings.js';
import { Turns } from '../turns.js';

const kind = 'private';

/** XML of any kind that clients keep with their account, one document for each name and namespace. */
export const privateXml: ServerModule = {
  name: 'private-xml',
  implements: [{ xep: '0049', version: '1.2' }],
  setup(server) {
    server.advertise({ features: [ns.privateXml] });
    server.advertiseAccount({ features: [ns.privateXml] });
    const route = { ns: ns.privateXml, name: 'query' };
    const turns = new Turns();
    server.onAccountIq({ type: 'get', ...route }, 'owner', (request) => read(server, request, turns));
    server.onAccountIq({ type: 'set', ...route }, 'owner', (request) => write(server, request));
  },
};

/** What was never stored is there, but empty. */
async function read({ stores }: Server, { account, payload }: AccountIq, turns: Turns): Promise<Element> {
  const [wanted, ...others] = documentsOf(payload);
  if (wanted === undefined || others.length > 0) {
    throw new StanzaError('not-acceptable', 'Ask for one element at a time.');
  }
  const text = await stores.documents.find(account.id, kind, keyOf(wanted));
  const found = text === undefined ? el(wanted.name, wanted.ns) : await parseInTurn(text, turns);
  return payload.withChildren([found]);
}

async function write({ stores }: Server, { account, payload }: AccountIq): Promise<undefined> {
  const documents = documentsOf(payload).map((element) => ({ element, text: serialize(element) }));
  if (documents.some(({ text }) => Buffer.byteLength(text) > accountLimits.documentBytes)) {
    throw new StanzaError('policy-violation', `An element has at most ${accountLimits.documentBytes} bytes.`);
  }
  for (const { element, text } of documents) {
    if (isEmpty(element)) await stores.documents.remove(account.id, kind, keyOf(element));
    else await put(stores, account.id, keyOf(element), text);
  }
}

async function put(stores: Server['stores'], accountId: number, key: string, text: string): Promise<void> {
  const { privateDocuments } = accountLimits;
  const isStored = await stores.documents.put(accountId, kind, key, text, privateDocuments);
  if (isStored) return;
  throw new StanzaError('resource-constraint', `An account has at most ${privateDocuments} elements here.`);
}

/**
 * The elements that a query is about.
 * @throws {StanzaError} `not-acceptable` if there is none or one in a reserved namespace (XEP-0049 §2.3)
 */
function documentsOf(query: Element): readonly Element[] {
  const elements = query.elements();
  if (elements.length === 0) throw new StanzaError('not-acceptable', 'The query has no element in it.');
  if (elements.some((element) => isReserved(element.ns))) {
    throw new StanzaError('not-acceptable', 'The namespace is reserved.');
  }
  return elements;
}

function isReserved(namespace: string): boolean {
  return /^(?:$|jabber:|http:\/\/jabber\.org\/|vcard-temp$)/.test(namespace);
}

/** Nothing distinguishes it from what was never stored, so it need not take the place of another. */
function isEmpty(element: Element): boolean {
  return element.children.length === 0 && Object.keys(element.attrs).length === 0;
}

function keyOf({ ns: namespace, name }: Element): string {
  return `${name} ${namespace}`;
}
