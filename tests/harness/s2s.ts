import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { AddressCache } from '../../src/hosts/standalone/address-cache.js';
import type {
  DomainPair,
  KeyVerdict,
  Proof,
  S2sContext,
  S2sPolicy,
  StanzaStream,
  StreamFailure,
} from '../../src/hosts/standalone/s2s/context.js';
import { createIncomingStreams } from '../../src/hosts/standalone/s2s/incoming-streams.js';
import { defaultS2sLimits, type S2sLimits } from '../../src/hosts/standalone/s2s/limits.js';
import { OutgoingStream } from '../../src/hosts/standalone/s2s/outgoing-stream.js';
import { createS2sTls, type S2sTls } from '../../src/hosts/standalone/s2s/tls.js';
import { systemClock } from '../../src/hosts/system-clock.js';
import type { Clock } from '../../src/xmpp/clock.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { RandomText } from '../../src/xmpp/random-text.js';
import { message } from '../../src/xmpp/stanza.js';
import type { IssuedCertificate } from './authority.js';
import { openRawClient, RawClient } from './c2s.js';
import { waitFor } from './net.js';
import { recordingEvents } from './recording-events.js';

export interface TestServerOptions {
  /** Its domains, the main one first. */
  readonly domains: readonly string[];
  readonly certificate: IssuedCertificate;
  /** PEM of whom it trusts. */
  readonly authorities?: readonly string[];
  readonly policy?: Partial<S2sPolicy>;
  readonly limits?: Partial<S2sLimits>;
  readonly clock?: Clock;
  readonly maxConnectionsPerAddress?: number;
  /** Instead of asking the server that the network has for the domain. */
  readonly verifyKey?: S2sContext['verifyKey'];
  readonly route?: S2sContext['route'];
}

/** A stream that a test server opened, and what became of it. */
export interface TestStream {
  readonly stream: OutgoingStream;
  /** Resolves when it is ready, and rejects with the reason if it never is. */
  readonly ready: Promise<Proof>;
  readonly closed: Promise<StreamFailure | undefined>;
}

/** Reading all that Node trusts takes a while, and servers of many tests have the same. */
const known = new Map<string, S2sTls>();

function tlsOf({ cert, key }: IssuedCertificate, authorities: readonly string[]): S2sTls {
  const name = [cert, ...authorities].join();
  const tls = known.get(name) ?? createS2sTls({ cert, key, authorities });
  known.set(name, tls);
  return tls;
}

/** All that there is of a server but its streams: domains, a certificate, and where stanzas end up. */
export class TestServer {
  readonly context: S2sContext;
  readonly events: ReturnType<typeof recordingEvents>;
  /** Stanzas that came, in order. */
  readonly routed: Element[] = [];
  /** What others opened and may be used for stanzas of ours, by the other domain. */
  readonly bidi = new Map<string, StanzaStream>();
  readonly #network: TestNetwork;
  readonly #streams: ReturnType<typeof createIncomingStreams>;
  readonly #listeners: Server[] = [];
  readonly #sockets = new Set<Socket>();
  port = 0;
  directTlsPort = 0;

  constructor(network: TestNetwork, options: TestServerOptions) {
    this.#network = network;
    this.events = recordingEvents();
    this.context = this.#contextOf(options);
    this.#streams = createIncomingStreams(this.context, options.maxConnectionsPerAddress ?? 0);
  }

  async start(): Promise<this> {
    this.port = await this.#listen(false);
    this.directTlsPort = await this.#listen(true);
    return this;
  }

  async stop(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await this.#streams.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends the streams that others opened, as when the server stops. */
  closeIncoming(): Promise<void> {
    return this.#streams.close();
  }

  /** Opens a stream to whoever is at that port. */
  async open(
    pair: DomainPair,
    port: number,
    {
      purpose = 'stanzas',
      isDirectTls = false,
    }: { purpose?: 'stanzas' | 'verify'; isDirectTls?: boolean } = {},
  ): Promise<TestStream> {
    const socket = await this.#connect(port);
    let settle: (failure: StreamFailure | undefined) => void = () => undefined;
    const closed = new Promise<StreamFailure | undefined>((resolve) => {
      settle = resolve;
    });
    let stream: OutgoingStream | undefined;
    const ready = new Promise<Proof>((resolve, reject) => {
      stream = new OutgoingStream(
        this.context,
        { socket, isDirectTls, pair, purpose },
        {
          onReady: resolve,
          onClosed(failure) {
            reject(new Error(failure?.reason ?? 'closed'));
            settle(failure);
          },
        },
      );
    });
    ready.catch(() => undefined);
    if (stream === undefined) throw new Error('there is no stream');
    return { stream, ready, closed };
  }

  /** A connection that a test speaks on by itself. */
  raw(): Promise<RawClient> {
    return openRawClient(this.port);
  }

  refusals(): (string | undefined)[] {
    return this.events.recorded.flatMap((event) => (event.name === 'serverRefused' ? [event.reason] : []));
  }

  /** Waits for stanzas with these ids to have come, in this order and no others. */
  async receives(...ids: string[]): Promise<void> {
    const came = () => this.routed.map((stanza) => stanza.attr('id'));
    await waitFor(`stanzas ${ids}`, () => this.routed.length >= ids.length, { interval: 1 });
    if (came().join() !== ids.join()) throw new Error(`came: ${came()}`);
  }

  #contextOf(options: TestServerOptions): S2sContext {
    const { certificate, authorities = [], domains, policy } = options;
    const tls = tlsOf(certificate, authorities);
    const addresses = new AddressCache(100);
    return {
      domain: domains[0] ?? '',
      isLocal: (domain) => domains.includes(domain),
      policy: { mayTalk: () => true, mustVerify: () => false, requireEncryption: true, ...policy },
      tls: () => tls,
      dialbackSecret: randomBytes(32),
      verifyKey: options.verifyKey ?? ((pair, id, key) => this.#verify(pair, id, key)),
      address: (text) => addresses.read(text),
      route: options.route ?? ((stanza) => void this.routed.push(stanza)),
      onBidi: (pair, stream) => void this.bidi.set(pair.remote, stream),
      offBidi: (pair) => void this.bidi.delete(pair.remote),
      events: this.events.events,
      clock: options.clock ?? systemClock,
      limits: { ...defaultS2sLimits, ...options.limits },
      streamIds: new RandomText(randomBytes),
    };
  }

  async #verify(pair: DomainPair, streamId: string, key: string): Promise<KeyVerdict> {
    const port = this.#network.portOf(pair.remote);
    if (port === undefined) return 'unreachable';
    const { stream, ready } = await this.open(pair, port, { purpose: 'verify' });
    try {
      await ready;
      return await stream.verify(streamId, key);
    } catch {
      return 'unreachable';
    } finally {
      stream.end();
    }
  }

  #listen(isDirectTls: boolean): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#keep(socket);
      this.#streams.accept(socket, isDirectTls);
    });
    this.#listeners.push(server);
    return portOf(server);
  }

  #connect(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#keep(socket);
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(socket);
      });
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** Servers of a test that find each other, and others that a test plays itself. */
export class TestNetwork {
  readonly #ports = new Map<string, number>();
  readonly #servers: TestServer[] = [];
  readonly #stages: { readonly close: () => void }[] = [];

  portOf(domain: string): number | undefined {
    return this.#ports.get(domain);
  }

  async start(options: TestServerOptions): Promise<TestServer> {
    const server = await new TestServer(this, options).start();
    this.#servers.push(server);
    for (const domain of options.domains) this.#ports.set(domain, server.port);
    return server;
  }

  /** A port on which a test plays the server of those domains: connections come one after another. */
  async stage(...domains: string[]): Promise<{ readonly port: number; next(): Promise<RawClient> }> {
    const waiting: RawClient[] = [];
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      waiting.push(new RawClient(socket));
    });
    const port = await portOf(server);
    for (const domain of domains) this.#ports.set(domain, port);
    this.#stages.push({
      close() {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    });
    return {
      port,
      async next() {
        await waitFor('a connection', () => waiting.length > 0, { interval: 1 });
        const client = waiting.shift();
        if (client === undefined) throw new Error('nobody came');
        return client;
      },
    };
  }

  async stop(): Promise<void> {
    for (const stage of this.#stages) stage.close();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }
}

function portOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
      else reject(new Error('it listens nowhere'));
    });
  });
}

/** A message between users of two domains. */
export const letter = (from: string, to: string, id: string): Element =>
  message({ from: `ana@${from}/r`, to: `bob@${to}`, id, type: 'chat' }, el('body', ns.client, {}, 'Hello!'));

/** A header as other servers write it. */
export const serverHeader = (attributes: string): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' ${attributes}>`;
