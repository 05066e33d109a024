import { randomBytes } from 'node:crypto';
import { type Client, type ClientOptions, connectClient } from '../../src/demo/client.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';

/** A server that peers log in to. */
export type PeerServer = Pick<ClientOptions, 'connect' | 'certificate'>;

/** A logged-in client of a test: it keeps what arrives. */
export interface Peer {
  readonly jid: Jid;
  readonly client: Client;
  send(stanza: Element): void;
  /** What has arrived since this was asked last, in order. */
  take(): Element[];
  /** Resolves when everything that the server was sent before has been worked on, and this client has what came of it. */
  settle(): Promise<void>;
  /** Resolves when this client has everything that `from` sent before. */
  settleFrom(from: Peer): Promise<void>;
  close(): Promise<void>;
}

/** Logs in; the peer is not available until it says so. */
export async function connectPeer(server: PeerServer, fullJid: string, password: string): Promise<Peer> {
  const received: Element[] = [];
  const fences = new Map<string, (stanza: Element) => void>();
  const client = await connectClient({
    ...server,
    jid: Jid.parse(fullJid),
    password,
    onStanza(stanza) {
      const pass = fences.get(stanza.attr('id') ?? '');
      if (pass === undefined) received.push(stanza);
      else pass(stanza);
    },
  });
  const { jid } = client;
  /** Has something sent, and waits for what comes of it here, however long that takes. */
  const comesBack = async (stanza: (id: string) => Element, sender: Pick<Peer, 'send'> = client) => {
    const id = `fence-${randomBytes(6).toString('hex')}`;
    const passed = new Promise<Element>((resolve) => fences.set(id, resolve));
    sender.send(stanza(id));
    const lost = client.closed.then(() => Promise.reject(new Error(`${jid} is gone`)));
    try {
      return await Promise.race([passed, lost]);
    } finally {
      fences.delete(id);
    }
  };
  const peer: Peer = {
    jid,
    client,
    send: (stanza) => void client.send(stanza),
    take: () => received.splice(0),
    async settle() {
      const answer = await comesBack((id) =>
        el('iq', ns.client, { type: 'get', id, to: jid.domain }, el('ping', ns.ping)),
      );
      if (answer.attr('type') !== 'result') throw new Error('the server did not answer a ping');
    },
    async settleFrom(from) {
      await comesBack((id) => message({ to: jid.toString(), type: 'headline', id }), from);
    },
    close: () => client.close(),
  };
  return peer;
}

/** Broadcast presence; `undefined` says nothing of priority, which means 0. */
export function available(priority?: number): Element {
  const children = priority === undefined ? [] : [el('priority', ns.client, {}, String(priority))];
  return el('presence', ns.client, {}, ...children);
}
