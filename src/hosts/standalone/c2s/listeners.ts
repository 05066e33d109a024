import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { defaultParserLimits } from '../../../xmpp/parser.js';
import { RandomText } from '../../../xmpp/random-text.js';
import { Registry } from '../connections/registry.js';
import {
  formatAddress,
  type ListenAddress,
  listenTcp,
  type TcpListener,
} from '../connections/tcp-listener.js';
import type { Sasl } from '../sasl/sasl.js';
import type { Entrance } from '../session.js';
import { ClientStream, type StreamContext } from './client-stream.js';
import { type C2sLimits, defaultC2sLimits } from './limits.js';
import type { NegotiationRules } from './negotiation.js';
import { TcpTransport } from './tcp-transport.js';
import { createTlsIdentity, type ServerCertificate, type TlsIdentity } from './tls.js';
import type { Transport } from './transport.js';
import { WebSocketTransport } from './websocket-transport.js';
import { createUpgrade } from './websocket-upgrade.js';

export interface C2sOptions {
  readonly domain: Jid;
  readonly entrance: Entrance;
  readonly sasl: Sasl;
  readonly events: Pick<Events, 'listening' | 'connectionRefused' | 'streamFailed' | 'handlerFailed'>;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  /** The certificate of the moment. */
  readonly certificate: () => ServerCertificate;
  /** Where clients connect in clear and use STARTTLS; undefined for nowhere. */
  readonly listen?: ListenAddress | undefined;
  /** Where clients connect with TLS from the first byte (XEP-0368); undefined for nowhere. */
  readonly listenDirectTls?: ListenAddress | undefined;
  /** False: clients may authenticate and talk without encryption. */
  readonly requireEncryption: boolean;
  /** Stream features of others, offered before authentication at the moment. */
  readonly openFeatures?: () => readonly Element[];
  readonly beforeAuthentication?: NegotiationRules['beforeAuthentication'];
  /** Bytes per second that a client may send for long; 0 for no limit. */
  readonly rateLimit: number;
  /** 0 for no limit. */
  readonly maxConnectionsPerAddress: number;
  /** Whether a WebSocket is encrypted, to us or to a proxy that we trust. Without it none is. */
  readonly isPrivate?: (request: IncomingMessage) => boolean;
  /** Whose WebSocket it is, if not that of whoever connected to us. */
  readonly addressOf?: (request: IncomingMessage) => string;
  readonly limits?: Partial<C2sLimits>;
}

/** Where clients come in. */
export interface C2sListeners {
  /** Where clients can connect, with the real ports; empty until `start` has resolved. */
  readonly addresses: { readonly c2s?: ListenAddress; readonly directTls?: ListenAddress };
  /** Reads the certificate and listens. Rejects if either fails; then nothing listens. */
  start(): Promise<void>;
  /** Listens no more, ends all streams with `system-shutdown`, and resolves when all sessions are over. */
  stop(): Promise<void>;
  /**
   * Takes the certificate anew for handshakes from now on.
   * @throws if it is none; then the one before stays
   */
  reloadTls(): void;
  /** Takes over a request for a WebSocket (RFC 7395), or answers it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Connections of clients (RFC 6120): STARTTLS, TLS from the first byte, WebSockets. */
export function createC2sListeners(options: C2sOptions): C2sListeners {
  const { clock, maxConnectionsPerAddress, events } = options;
  const limits = { ...defaultC2sLimits, ...options.limits };
  const registry = new Registry<ClientStream>({ clock, limits, maxConnectionsPerAddress, events });
  const accept = createAccept(options, limits, registry);
  const tls = createTls(options.certificate);
  const upgrade = createUpgradeFor(options, limits, registry, accept);
  const listeners: TcpListener[] = [];
  const addresses: { c2s?: ListenAddress; directTls?: ListenAddress } = {};

  const open = async (listen: ListenAddress, isDirectTls: boolean) => {
    const settings = {
      isDirectTls,
      identity: tls.identity,
      trustsClear: !options.requireEncryption,
      parser: { limits: negotiationLimits(limits) },
    };
    const listener = await listenTcp({
      listen,
      onConnection: (socket, client) => {
        const reason = registry.refusal(client);
        if (reason === undefined) return accept(new TcpTransport(settings, socket, client));
        socket.destroy();
        events.connectionRefused({ client, reason });
      },
      onError: (error) => events.handlerFailed({ what: 'c2s listener', error }),
    });
    listeners.push(listener);
    addresses[isDirectTls ? 'directTls' : 'c2s'] = listener.address;
    events.listening({
      what: isDirectTls ? 'c2s, direct TLS' : 'c2s',
      address: formatAddress(listener.address),
    });
  };
  const close = () => {
    for (const listener of listeners.splice(0)) listener.close();
  };

  return {
    addresses,
    async start() {
      tls.reload();
      try {
        if (options.listen !== undefined) await open(options.listen, false);
        if (options.listenDirectTls !== undefined) await open(options.listenDirectTls, true);
      } catch (error) {
        close();
        throw error;
      }
    },
    async stop() {
      close();
      await registry.close();
    },
    reloadTls: tls.reload,
    upgrade,
  };
}

type Accept = (transport: Transport) => void;

/** Makes a stream of a connection that was let in. */
function createAccept(options: C2sOptions, limits: C2sLimits, registry: Registry<ClientStream>): Accept {
  const { rateLimit: bytesPerSecond } = options;
  const { burstSeconds, stanzaBytes, stanzaElements: elements, authenticationTries } = limits;
  const context: StreamContext = {
    ...options,
    limits,
    registry,
    authenticationTries,
    openFeatures: options.openFeatures ?? (() => []),
    parserLimits: { ...defaultParserLimits, stanzaBytes, elements },
    streamIds: new RandomText(options.randomBytes),
    rate: bytesPerSecond > 0 ? { bytesPerSecond, burstSeconds } : undefined,
  };
  return (transport) => {
    const stream = new ClientStream(context, transport);
    registry.add(stream);
    transport.start(stream);
  };
}

function createUpgradeFor(
  options: C2sOptions,
  limits: C2sLimits,
  registry: Registry<ClientStream>,
  accept: Accept,
): C2sListeners['upgrade'] {
  const { requireEncryption, isPrivate = () => false, events } = options;
  const addressOf = options.addressOf ?? (({ socket }) => socket.remoteAddress ?? '');
  return createUpgrade({
    maxPayload: limits.stanzaBytes,
    refusal(request) {
      const client = addressOf(request);
      if (requireEncryption && !isPrivate(request)) {
        events.connectionRefused({ client, reason: 'a WebSocket without encryption' });
        return 403;
      }
      const reason = registry.refusal(client);
      if (reason === undefined) return undefined;
      events.connectionRefused({ client, reason });
      return 503;
    },
    accept(socket, request, connection) {
      const isEncrypted = isPrivate(request);
      const remoteAddress = addressOf(request);
      const parserLimits = negotiationLimits(limits);
      accept(
        new WebSocketTransport({
          ...{ socket, connection, remoteAddress, isEncrypted, parserLimits },
          trustsClear: !requireEncryption,
        }),
      );
    },
  });
}

/** The certificate of the moment, made ready once. */
function createTls(certificate: () => ServerCertificate) {
  let current: TlsIdentity | undefined;
  const reload = () => {
    current = createTlsIdentity(certificate());
  };
  const identity = () => {
    current ??= createTlsIdentity(certificate());
    return current;
  };
  return { reload, identity };
}

const negotiationLimits = ({ negotiationStanzaBytes: stanzaBytes }: C2sLimits) => ({
  ...defaultParserLimits,
  stanzaBytes,
});
