import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { message } from '../../src/xmpp/stanza.js';
import { type StandaloneServer, startStandalone } from './belfry-standalone.js';
import { bind, header, openRawClient, RawClient } from './c2s.js';
import { freePort, waitFor } from './net.js';
import { inspectable, measureMemory } from './process-memory.js';
import { available, connectPeer, type Peer } from './xmpp-peer.js';

export const domain = 'example.test';
export const password = 'a-password';
/** A stream header that this server takes. */
export const opening = header(`to='${domain}' version='1.0'`);

/** Who attacks; others by the same name with a number. */
const attackers = Array.from({ length: 30 }, (_, number) => `mallory${number === 0 ? '' : number}`);
const bystanders = ['ana', 'bob'];
const megabyte = 1024 * 1024;

export interface HostileServer {
  readonly server: StandaloneServer;
  /** Connects in clear, from another address of this machine if one is given. */
  open(from?: string): Promise<RawClient>;
  /** A connection with a bound resource; available once it says so. */
  logIn(user: string, resource?: string): Promise<RawClient>;
  /** Logs a client of the project's own in. */
  connect(fullJid: string): Promise<Peer>;
  /** File descriptors that the server has open. */
  openFiles(): number;
  /** What the server keeps in memory after a collection of garbage, in megabytes. */
  memory(): Promise<number>;
  /** Waits until that is less: what connections occupied is given back a little after they end. */
  memoryBelow(megabytes: number): Promise<void>;
  /** Two users who were there from the beginning and want nothing but to talk. */
  readonly bystanders: { readonly ana: Peer; readonly bob: Peer };
  /** The two write to each other; fails if that takes longer than somebody would wait. */
  talk(): Promise<void>;
}

/**
 * The built program, with the limits that it has by default unless `standalone` or `more`, further keys of the configuration,
 * say otherwise, for one file's attacks. After each of them the bystanders must be able to talk as before.
 */
export function useHostileServer(
  standalone: Readonly<Record<string, unknown>> = {},
  more: () => Readonly<Record<string, unknown>> = () => ({}),
): HostileServer {
  let server: StandaloneServer;
  let inspectorPort = 0;
  let ana: Peer;
  let bob: Peer;
  const connectTo = (fullJid: string) =>
    connectPeer({ connect: { host: '127.0.0.1', port: server.c2sPort } }, fullJid, password);
  const talk = async () => {
    await inTime(say(ana, bob));
    await inTime(say(bob, ana));
  };

  beforeAll(async () => {
    inspectorPort = await freePort();
    server = await startStandalone({
      accounts: Object.fromEntries(
        [...bystanders, ...attackers].map((name) => [`${name}@${domain}`, password]),
      ),
      standalone: { rate_limit: 1_000_000, max_connections_per_address: 100, ...standalone },
      env: inspectable(inspectorPort),
      more: more(),
    });
    ana = await connectTo(`ana@${domain}/desk`);
    bob = await connectTo(`bob@${domain}/desk`);
    for (const peer of [ana, bob]) peer.send(available());
    await talk();
  });
  afterEach(talk);
  afterAll(async () => {
    await ana?.close();
    await bob?.close();
    await server?.stop();
  });

  const open = (from?: string) => openFrom(server.c2sPort, from);
  const memory = async () => (await measureMemory(inspectorPort)) / megabyte;
  return {
    get server() {
      return server;
    },
    open,
    async logIn(user, resource = 'r') {
      const client = await open();
      await authenticate(client, user);
      await client.write(opening).expect('</stream:features>');
      await client.write(bind(resource)).expect('<jid>');
      return client;
    },
    connect: connectTo,
    openFiles: () => readdirSync(`/proc/${server.pid}/fd`).length,
    memory,
    memoryBelow: (megabytes) =>
      waitFor(`memory below ${megabytes} MB`, async () => (await memory()) < megabytes, {
        timeout: 20_000,
        interval: 500,
      }),
    get bystanders() {
      return { ana, bob };
    },
    talk,
  };
}

/** Opens a stream and authenticates by PLAIN; the next thing is a new stream. */
export async function authenticate(client: RawClient, user: string): Promise<void> {
  await client.write(opening).expect('</stream:features>');
  await client.write(plain(user, password)).expect('<success');
}

export function plain(user: string, secret: string, authzid = ''): string {
  const text = Buffer.from(`${authzid}\0${user}\0${secret}`).toString('base64');
  return `<auth xmlns='${ns.sasl}' mechanism='PLAIN'>${text}</auth>`;
}

/** The condition of the stream error that the connection was closed with; undefined if it was closed without one. */
export async function fateOf(client: RawClient): Promise<string | undefined> {
  return streamErrorIn(await client.closed());
}

export function streamErrorIn(text: string): string | undefined {
  return /<stream:error[^>]*><([a-z-]+) xmlns=['"]urn:ietf:params:xml:ns:xmpp-streams['"]/.exec(text)?.[1];
}

/** Asks for something with that id; answers the condition of the error, or `result`. */
export async function ask(client: RawClient, id: string, stanza: string): Promise<string> {
  const answer = await answerTo(client, id, stanza);
  if (answer.includes("type='result'")) return 'result';
  return /<error[^>]*><([a-z-]+)/.exec(answer)?.[1] ?? 'no error';
}

/** The answer to what has that id, as XML: all of it, for a long one comes in pieces. */
export async function answerTo(client: RawClient, id: string, stanza: string): Promise<string> {
  client.write(stanza);
  const answer = new RegExp(`<(iq|message|presence) [^>]*id='${id}'[^>]*(?:/>|>.*?</\\1>)`, 's');
  await waitFor(`an answer to ${id}`, () => answer.test(client.text), { timeout: 30_000 });
  return answer.exec(client.take())?.[0] ?? '';
}

/** Writes pieces one after another, as fast as the server takes them, until there are no more or it has closed. */
export async function pour(client: RawClient, pieces: Iterable<string | Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    if (client.isClosed || client.socket.destroyed) return;
    await new Promise<void>((resolve) => client.socket.write(piece, () => resolve()));
  }
}

/** The same piece over and over. */
export function* repeated(piece: string | Uint8Array, times: number): Iterable<string | Uint8Array> {
  for (let time = 0; time < times; time++) yield piece;
}

function openFrom(port: number, localAddress: string | undefined): Promise<RawClient> {
  if (localAddress === undefined) return openRawClient(port);
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    const client = new RawClient(socket);
    socket.once('error', reject);
    socket.once('connect', () => resolve(client));
  });
}

let words = 0;

async function say(from: Peer, to: Peer): Promise<void> {
  to.take();
  const id = `word-${++words}`;
  from.send(message({ to: to.jid.toString(), type: 'chat', id }, el('body', ns.client, {}, 'Still there?')));
  await to.settleFrom(from);
  expect(to.take().map((stanza) => stanza.attr('id'))).toContain(id);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let impatience: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    impatience = setTimeout(() => reject(new Error('bystanders waited for 10 seconds in vain')), 10_000);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(impatience);
  }
}
