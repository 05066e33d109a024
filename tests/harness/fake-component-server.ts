import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { StreamParser } from '../../src/xmpp/parser.js';
import { serialize } from '../../src/xmpp/serialize.js';
import { type StreamCondition, StreamError } from '../../src/xmpp/stream-error.js';
import { freePort, waitFor } from './net.js';

export interface FakeServerOptions {
  readonly domain?: string;
  /** Domains of further components, with the same secret. */
  readonly furtherDomains?: readonly string[];
  readonly secret?: string;
  /** Plays the server's part from the first byte; without it the server is a well-behaved one. */
  readonly script?: (connection: ServerSide) => void;
}

/** The server's header, as Prosody and ejabberd write it. */
export const streamHeader = (id: string, contentNs: string = ns.componentAccept) =>
  `<?xml version='1.0'?><stream:stream xmlns:stream='${ns.streams}' xmlns='${contentNs}' id='${id}' from='push.example.org'>`;

export const streamErrorText = (condition: StreamCondition, text = '') =>
  `${serialize(new StreamError(condition, text).toElement())}</stream:stream>`;

/**
 * The server's side of XEP-0114 on a real socket: checks the handshake, holds the component to its domain, and
 * carries what the component sends to itself back to it, as Prosody and ejabberd do.
 */
export class FakeComponentServer {
  readonly domain: string;
  readonly furtherDomains: readonly string[];
  readonly secret: string;
  readonly connections: ServerSide[] = [];
  /** As the option of that name; may be changed between connections. */
  script: ((connection: ServerSide) => void) | undefined;
  #server: Server | undefined;
  #port = 0;

  constructor(options: FakeServerOptions = {}) {
    this.domain = options.domain ?? 'push.example.org';
    this.furtherDomains = options.furtherDomains ?? [];
    this.secret = options.secret ?? 's3cret';
    this.script = options.script;
  }

  get port(): number {
    return this.#port;
  }

  /** The newest connection. */
  get current(): ServerSide {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('nobody has connected');
    return connection;
  }

  /** The newest connection for a domain. */
  connectionOf(domain: string): ServerSide {
    const connection = this.connections.findLast((candidate) => candidate.domain === domain);
    if (connection === undefined) throw new Error(`nobody has connected as ${domain}`);
    return connection;
  }

  /** Listens on a free port, or again on the one it had, which no outgoing connection has got in the meantime. */
  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
  }

  /** Cuts all connections and listens no more. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Resolves when the component's connection number `count` (from 1) has shaken hands. */
  async connected(count = 1): Promise<ServerSide> {
    await waitFor(
      `component connection ${count}`,
      () => this.connections[count - 1]?.isAuthenticated === true,
    );
    return this.current;
  }

  #accept(socket: Socket): void {
    const connection = new ServerSide(socket, this);
    this.connections.push(connection);
    if (this.script === undefined) connection.behave();
    else this.script(connection);
  }
}

/** One connection as the server sees it. */
export class ServerSide {
  readonly socket: Socket;
  readonly #server: FakeComponentServer;
  /** The component's domain. */
  domain: string;
  /** Everything that came, as text. */
  text = '';
  /** The stanzas that came and were not for the component itself. */
  readonly stanzas: Element[] = [];
  isAuthenticated = false;
  isClosed = false;
  /** Whether stanzas from the component to itself are carried back. */
  isCarryingBack = true;
  /** What a correct server does when the component has closed its stream. */
  onStreamEnd: () => void = () => this.endStream();

  constructor(socket: Socket, server: FakeComponentServer) {
    this.socket = socket;
    this.#server = server;
    this.domain = server.domain;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('data', (bytes: Buffer) => {
      this.text += bytes.toString();
    });
  }

  /** Plays a correct server from here on. */
  behave(): void {
    const parser = new StreamParser(
      {
        onOpen: (header) => this.#opened(header),
        onStanza: (stanza) => this.#received(stanza),
        onClose: () => this.onStreamEnd(),
      },
      { contentNamespaces: [ns.componentAccept] },
    );
    this.socket.on('data', (bytes: Buffer) => parser.write(bytes));
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Sends a stanza to the component. */
  send(stanza: Element): void {
    this.write(serialize(stanza, ns.client));
  }

  endStream(): void {
    this.socket.end('</stream:stream>');
  }

  /** Carries an IQ request to the component; resolves with the answer. */
  ask(type: 'get' | 'set', from: string, payload: Element): Promise<Element> {
    const id = randomUUID();
    this.send(el('iq', ns.client, { type, from, to: this.domain, id }, payload));
    return this.take(`the answer to ${payload.name}`, (stanza) => stanza.attr('id') === id);
  }

  /** The first stanza that fits and has not been taken before; waits for it. */
  async take(what: string, fits: (stanza: Element) => boolean): Promise<Element> {
    await waitFor(what, () => this.stanzas.some(fits));
    const index = this.stanzas.findIndex(fits);
    return this.stanzas.splice(index, 1)[0] ?? new Element('nothing', '');
  }

  #opened(header: Element): void {
    const domain = header.attr('to') ?? '';
    if (this.#server.furtherDomains.includes(domain)) this.domain = domain;
    this.write(streamHeader('stream-1'));
  }

  #received(stanza: Element): void {
    if (!this.isAuthenticated) this.#checkHandshake(stanza);
    else if (Jid.tryParse(stanza.attr('from'))?.domain !== this.domain) this.fail('invalid-from');
    else if (Jid.tryParse(stanza.attr('to'))?.domain === this.domain) this.#carryBack(stanza);
    else this.stanzas.push(stanza);
  }

  #carryBack(stanza: Element): void {
    if (this.isCarryingBack) this.send(stanza);
  }

  #checkHandshake(handshake: Element): void {
    const expected = createHash('sha1').update(`stream-1${this.#server.secret}`).digest('hex');
    this.isAuthenticated = handshake.text() === expected;
    if (this.isAuthenticated) this.write('<handshake/>');
    else this.fail('not-authorized');
  }

  fail(condition: StreamCondition): void {
    this.socket.end(streamErrorText(condition));
  }
}
