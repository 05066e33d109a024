import { afterAll, beforeAll, expect } from 'vitest';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { type StandaloneServer, startStandalone } from './belfry-standalone.js';
import { available, connectPeer, type Peer } from './xmpp-peer.js';

export const domain = 'example.test';
export const bob = `bob@${domain}`;
const password = 'a-password';

/** Bob's sessions: resource → priority; undefined for one that never said that it is available. */
export type Sessions = Readonly<Record<string, number | undefined>>;
export type Peers = ReadonlyMap<string, Peer>;

/** What came of a stanza: which of Bob's resources got it, whether it was kept for later, what its sender was told. */
export interface Result {
  readonly received: readonly string[];
  readonly isKept: boolean;
  /** The condition of an error, `result`, or undefined if nothing came back. */
  readonly answer: string | undefined;
}

export const delivered = (received: readonly string[]): Result => ({
  received,
  isKept: false,
  answer: undefined,
});
export const ignored = delivered([]);
export const kept: Result = { ...ignored, isKept: true };
export const answered = (answer: string): Result => ({ ...ignored, answer });

/** A server with Ana, who sends and is nobody's contact, and Bob, who receives; started before the file's tests. */
export interface Routing {
  readonly ana: Peer;
  /** Bob's sessions of a suite, logged in before its tests and out after them. */
  usePeers(sessions: Sessions): Peers;
  /** Ana sends it, and everybody is asked for what came of it. */
  send(stanza: Element, peers: Peers): Promise<Result>;
}

export function useRouting(): Routing {
  let server: StandaloneServer;
  let ana: Peer | undefined;
  const logIn = (fullJid: string) =>
    connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, fullJid, password);
  const loggedIn = () => {
    if (ana === undefined) throw new Error('the server is not started yet');
    return ana;
  };

  beforeAll(async () => {
    server = await startStandalone({ accounts: { [`ana@${domain}`]: password, [bob]: password } });
    ana = await logIn(`ana@${domain}/desk`);
  });
  afterAll(async () => {
    await ana?.close();
    await server?.stop();
  });

  return {
    get ana() {
      return loggedIn();
    },
    usePeers(sessions) {
      const peers = new Map<string, Peer>();
      beforeAll(async () => {
        for (const [resource, priority] of Object.entries(sessions)) {
          const peer = await logIn(`${bob}/${resource}`);
          peers.set(resource, peer);
          if (priority !== undefined) peer.send(available(priority));
          await peer.settle();
        }
      });
      afterAll(async () => {
        for (const peer of peers.values()) await peer.close();
      });
      return peers;
    },
    async send(stanza, peers) {
      const result = await sendFrom(loggedIn(), stanza, peers);
      if (stanza.name !== 'message') return result;
      const later = await logIn(`${bob}/later`);
      return { ...result, isKept: await wasKept(stanza, later) };
    },
  };
}

let number = 0;

/** A stanza with an id of its own. */
export function stanza(
  name: 'message' | 'iq' | 'presence',
  attrs: Readonly<Record<string, string | undefined>>,
  ...children: readonly Element[]
): Element {
  number++;
  return el(name, ns.client, { id: `row-${number}`, ...attrs }, ...children);
}

const isSame = (sent: Element) => (got: Element) =>
  got.name === sent.name && got.attr('id') === sent.attr('id');

async function sendFrom(ana: Peer, sent: Element, peers: Peers): Promise<Result> {
  ana.take();
  ana.send(sent);
  await ana.settle();
  const received: string[] = [];
  for (const [resource, peer] of peers) {
    await peer.settleFrom(ana);
    const copies = peer.take().filter(isSame(sent));
    expect(copies.length).toBeLessThanOrEqual(1);
    if (copies.length === 1) received.push(resource);
  }
  const [answer, ...more] = ana.take().filter(isSame(sent));
  expect(more).toEqual([]);
  return { received, isKept: false, answer: answer && describeAnswer(answer) };
}

function describeAnswer(answer: Element): string {
  const type = answer.attr('type') ?? answer.name;
  return type === 'error' ? StanzaError.fromStanza(answer).condition : type;
}

/** Another session of Bob's becomes available and gets what was kept. */
async function wasKept(sent: Element, later: Peer): Promise<boolean> {
  later.send(available(0));
  await later.settle();
  const isFound = later.take().some(isSame(sent));
  await later.close();
  return isFound;
}
