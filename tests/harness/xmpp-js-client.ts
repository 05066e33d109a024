import { client, type Element as LtxElement, xml } from '@xmpp/client';
import { Element } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import type { ClientAccount, ClientStream, ConnectClient } from './distributor.js';
import { waitFor } from './net.js';

/** A client by xmpp.js in this process, in the clear. */
export const connectXmppJs: ConnectClient = (account, onStanza) =>
  connectXmppJsTo(`xmpp://127.0.0.1:${account.port}`, account, onStanza);

/** Logs in to a service, that is `xmpp://host:port`, with STARTTLS where the server offers it, or `ws://…`. */
export async function connectXmppJsTo(
  service: string,
  { domain, user: username, password, resource, comesBack }: Omit<ClientAccount, 'port' | 'certificate'>,
  onStanza: (stanza: Element) => void,
): Promise<ClientStream> {
  const entity = client({ service, domain, username, password, resource });
  // Two seconds, its default, are little on a machine that runs other tests.
  entity.timeout = 20_000;
  if (comesBack === true) entity.reconnect.delay = 200;
  else entity.reconnect.stop();
  // Without a listener an error that also rejects start() would end the process.
  entity.on('error', () => undefined);
  entity.on('stanza', (stanza) => onStanza(fromLtx(stanza)));
  // xmpp.js answers IQs that no middleware took; these pushes are answered above it.
  entity.iqCallee.set(ns.unifiedPush, 'push', () => new Promise(() => undefined));
  const jid = await entity.start();
  // It begins to count stanzas a moment after the server does. One that comes along with the server's answer it would forget, and
  // be sent again when it resumes; so nothing is said that the server could answer before.
  if (comesBack === true)
    await waitFor('stream management', () => entity.streamManagement.enabled, { timeout: 30_000 });
  return {
    jid: jid.toString(),
    send(stanza) {
      entity.send(toLtx(stanza, ns.client)).catch(() => undefined);
    },
    async close() {
      await entity.stop();
    },
  };
}

function fromLtx(element: LtxElement): Element {
  const attrs = Object.entries(element.attrs).filter(([name]) => !/^xmlns(:|$)/.test(name));
  const children = element.children.map((child) => (typeof child === 'string' ? child : fromLtx(child)));
  return new Element(element.getName(), element.getNS() ?? '', Object.fromEntries(attrs), children);
}

function toLtx(element: Element, parentNs: string): LtxElement {
  const attrs = element.ns === parentNs ? element.attrs : { ...element.attrs, xmlns: element.ns };
  const children = element.children.map((child) =>
    typeof child === 'string' ? child : toLtx(child, element.ns),
  );
  return xml(element.name, { ...attrs }, ...children);
}
