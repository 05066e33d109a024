import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Account, AccountIdentity } from '../../src/hosts/standalone/account.js';
import {
  type C2sListeners,
  type C2sOptions,
  createC2sListeners,
} from '../../src/hosts/standalone/c2s/listeners.js';
import type { Channel, Sasl, SaslExchange } from '../../src/hosts/standalone/sasl/sasl.js';
import { type Entrance, Session, type SessionLink } from '../../src/hosts/standalone/session.js';
import { systemClock } from '../../src/hosts/system-clock.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { waitFor } from './net.js';
import { recordingEvents } from './recording-events.js';

const domain = Jid.parse('example.org');

/** For listeners without TLS. */
const noCertificate = { cert: '', key: '', serverEndPoint: undefined };

/** The server behind the door, as far as a connection can see it. */
export class FakeEntrance implements Entrance {
  readonly features: Element[] = [];
  readonly sessions: Session[] = [];
  readonly received: Element[] = [];
  readonly unbound: {
    readonly session: Session;
    readonly undelivered: readonly Element[];
    readonly isFinal: boolean;
  }[] = [];
  /** The session that a client gets which asks to resume one. */
  resumable: Session | undefined;
  /** How often one was asked for, and what happens before it is given. */
  resumptions = 0;
  onResume: () => void | Promise<void> = () => {};
  /** What a stanza leads to, beside that it is kept. */
  onStanza: (session: Session, stanza: Element) => void | Promise<void> = () => {};
  /** What happens before a resource is bound. */
  onBind: (link: SessionLink) => void | Promise<void> = () => {};

  async bind(account: AccountIdentity, resource: string | undefined, link: SessionLink): Promise<Session> {
    if (resource === 'taken') throw new StanzaError('conflict');
    await this.onBind(link);
    const fake: Account = {
      ...account,
      sessions: new Map(),
      contacts: new Map(),
      blocked: new Set(),
      archivePreferences: undefined,
    };
    const session = new Session(
      fake,
      Jid.of(account.jid.local, account.jid.domain, resource ?? 'made'),
      link,
    );
    this.sessions.push(session);
    return session;
  }

  async resume(_account: AccountIdentity, request: Element, link: SessionLink): Promise<Session | undefined> {
    this.resumptions++;
    await this.onResume();
    link.write(el(this.resumable === undefined ? 'failed' : 'resumed', request.ns, { h: '0' }));
    return this.resumable;
  }

  receive(session: Session, stanza: Element): void | Promise<void> {
    this.received.push(stanza);
    return this.onStanza(session, stanza);
  }

  unbind(session: Session, _link: SessionLink, undelivered: readonly Element[], isFinal: boolean): void {
    this.unbound.push({ session, undelivered, isFinal });
  }

  /** The session bound last. */
  get session(): Session {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('nobody has bound a resource');
    return session;
  }
}

/**
 * Two mechanisms: `NAME`, where the response is the localpart (`wrong` fails), and `TWICE`, which asks once more with
 * what was said before it takes the same.
 */
export class FakeSasl implements Sasl {
  readonly channels: Channel[] = [];

  mechanisms(channel: Channel): readonly string[] {
    this.channels.push(channel);
    return channel.isPrivate ? ['TWICE', 'NAME'] : ['TWICE'];
  }

  begin(mechanism: string, channel: Channel): SaslExchange | undefined {
    if (!this.mechanisms(channel).includes(mechanism)) return undefined;
    let turns = mechanism === 'TWICE' ? 1 : 0;
    return {
      async next(response) {
        const data = response ?? new Uint8Array();
        if (response === undefined || turns-- > 0) return { kind: 'challenge', data };
        const name = Buffer.from(data).toString();
        if (name === 'wrong' || name === '')
          return { kind: 'failure', condition: 'not-authorized', text: 'No.' };
        return {
          kind: 'success',
          data: Buffer.from(mechanism === 'TWICE' ? 'ok' : ''),
          account: { id: 1, jid: Jid.of(name, 'example.org') },
        };
      },
    };
  }
}

/** Listeners with a fake server behind them. */
export interface C2sTestBed {
  readonly c2s: C2sListeners;
  readonly entrance: FakeEntrance;
  readonly sasl: FakeSasl;
  readonly recorded: ReturnType<typeof recordingEvents>['recorded'];
  /** Connects in clear. */
  open(): Promise<RawClient>;
  /** Connects with TLS from the first byte. */
  openTls(options?: ConnectionOptions): Promise<RawClient>;
  /** Cuts all clients and stops. */
  close(): Promise<void>;
}

export async function startC2s(options: Partial<C2sOptions> = {}): Promise<C2sTestBed> {
  const entrance = new FakeEntrance();
  const sasl = new FakeSasl();
  const { events, recorded } = recordingEvents();
  const c2s = createC2sListeners({
    domain,
    entrance,
    sasl,
    events,
    clock: systemClock,
    randomBytes,
    certificate: () => noCertificate,
    listen: { host: '127.0.0.1', port: 0 },
    requireEncryption: false,
    rateLimit: 0,
    maxConnectionsPerAddress: 0,
    ...options,
  });
  await c2s.start();
  const clients: RawClient[] = [];
  const open = async (port = c2s.addresses.c2s?.port ?? 0) => {
    const client = await openRawClient(port);
    clients.push(client);
    return client;
  };
  return {
    ...{ c2s, entrance, sasl, recorded },
    open: () => open(),
    async openTls(tls) {
      const client = await open(c2s.addresses.directTls?.port ?? 0);
      await client.startTls(tls);
      return client;
    },
    async close() {
      for (const client of clients) client.socket.destroy();
      await c2s.stop();
    },
  };
}

export const header = (attrs = "to='example.org' version='1.0'") =>
  `<?xml version='1.0'?><stream:stream xmlns='${ns.client}' xmlns:stream='${ns.streams}' ${attrs}>`;

export const authenticate = (name: string) =>
  `<auth xmlns='${ns.sasl}' mechanism='NAME'>${Buffer.from(name).toString('base64')}</auth>`;

export const bind = (resource = 'r') =>
  `<iq type='set' id='b1'><bind xmlns='${ns.bind}'><resource>${resource}</resource></bind></iq>`;

export const iqNamed = (id: string) => `<iq type='get' id='${id}'><ping xmlns='${ns.ping}'/></iq>`;

/** A client that writes what a test likes, and keeps all that came back as text. */
export class RawClient {
  #socket: Socket;
  #text = '';
  #isClosed = false;
  error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  get socket(): Socket {
    return this.#socket;
  }

  get text(): string {
    return this.#text;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(data: string | Uint8Array): this {
    this.#socket.write(data);
    return this;
  }

  /** Waits until what has come since the last call matches, and answers and forgets it. */
  async expect(pattern: string | RegExp): Promise<string> {
    const matches = () =>
      typeof pattern === 'string' ? this.#text.includes(pattern) : pattern.test(this.#text);
    try {
      await waitFor(`${pattern}`, () => matches() || this.#isClosed, { timeout: 15_000, interval: 1 });
    } catch (error) {
      throw new Error(`${pattern} did not come, but: ${this.#text}`, { cause: error });
    }
    if (!matches()) throw new Error(`closed without ${pattern}: ${this.#text} ${this.error ?? ''}`);
    return this.take();
  }

  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  /** Resolves with all that came when the server has closed. */
  async closed(): Promise<string> {
    await waitFor('the end of the connection', () => this.#isClosed, { interval: 1 });
    return this.#text;
  }

  /** Authenticates and binds a resource in clear or in what the connection has become. */
  async login(name = 'ana', resource = 'r'): Promise<void> {
    await this.write(header()).expect('</stream:features>');
    await this.write(authenticate(name)).expect('<success');
    await this.write(header()).expect('</stream:features>');
    await this.write(bind(resource)).expect('<jid>');
  }

  /** Begins TLS on this connection. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.#socket.removeAllListeners('data');
    const socket = connectTls({ socket: this.#socket, rejectUnauthorized: false, ...options });
    this.#listen(socket);
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed in the handshake')));
    });
    return socket;
  }

  #listen(socket: Socket): void {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#text += text;
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.#isClosed = true;
    });
  }
}

export function openRawClient(port: number): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new RawClient(socket);
    socket.once('error', reject);
    socket.once('connect', () => resolve(client));
  });
}
