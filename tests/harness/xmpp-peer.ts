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
  const fences = new Map<string, () => void>();
  const client = await connectClient({
    ...server,
    jid: Jid.parse(fullJid),
    password,
    onStanza(stanza) {
      const pass = fences.get(stanza.attr('id') ?? '');
      if (pass === undefined) received.push(stanza);
      else pass();
    },
  });
  const { jid } = client;
  const peer: Peer = {
    jid,
    client,
    send: (stanza) => void client.send(stanza),
    take: () => received.splice(0),
    async settle() {
      const ping = el('ping', ns.ping);
      const answer = await client.request({ type: 'get', to: Jid.parse(jid.domain), payload: ping });
      if (answer.kind !== 'result') throw new Error(`the server did not answer a ping: ${answer.kind}`);
    },
    async settleFrom(from) {
      const id = `fence-${randomBytes(6).toString('hex')}`;
      const passed = new Promise<void>((resolve) => fences.set(id, resolve));
      from.send(message({ to: jid.toString(), type: 'headline', id }));
      const lost = client.closed.then(() => Promise.reject(new Error(`${jid} is gone`)));
      await Promise.race([passed, lost]);
      fences.delete(id);
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
