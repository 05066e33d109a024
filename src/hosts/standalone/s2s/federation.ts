import { readAuthorities } from '../../../net/authorities.js';
import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { RandomText } from '../../../xmpp/random-text.js';
import { AddressCache } from '../address-cache.js';
import type { ListenAddress } from '../connections/tcp-listener.js';
import { createConnect } from './connecting.js';
import type { S2sContext } from './context.js';
import { createDns, type Dns } from './dns.js';
import { defaultFederationLimits, type FederationLimits } from './federation-limits.js';
import { createIncomingStreams, type IncomingStreams } from './incoming-streams.js';
import { KeyVerifier } from './key-verifier.js';
import { createS2sListeners, type S2sListeners } from './listeners.js';
import { Outbound } from './outbound.js';
import { createPolicy, type FederationSettings } from './policy.js';
import { S2sResolver } from './resolver.js';
import { createS2sTls, type S2sTls } from './tls.js';

export interface FederationOptions {
  readonly domain: Jid;
  readonly settings: FederationSettings;
  /** Where servers connect and use STARTTLS. */
  readonly listen: ListenAddress;
  /** Where servers connect with TLS from the first byte (XEP-0368); undefined for nowhere. */
  readonly listenDirectTls: ListenAddress | undefined;
  /** 0 for no limit. */
  readonly maxConnectionsPerAddress: number;
  /** As `Server.isLocal` and `Server.route`. */
  readonly isLocal: (domain: string) => boolean;
  readonly route: (stanza: Element) => void | Promise<void>;
  /** The server's certificate of the moment, as PEM. */
  readonly certificate: () => { readonly cert: string; readonly key: string };
  /** At least 32 bytes, made once for all processes that have the domain, and known to nobody else (XEP-0185). */
  readonly dialbackSecret: Uint8Array;
  readonly events: Events;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  /** A number from 0 up to 1, evenly distributed. */
  readonly random?: () => number;
  readonly dns?: Dns;
  readonly limits?: Partial<FederationLimits>;
}

/** Other servers: connections that they open, and connections that we open to them (RFC 6120, XEP-0220). */
export interface Federation {
  /** Where servers can connect, with the real ports; empty until `start` has resolved. */
  readonly addresses: S2sListeners['addresses'];
  /**
   * Listens. Rejects with the error of `listen`, or with `TlsError` if the file of authorities cannot be used; then nothing
   * listens.
   */
  start(): Promise<void>;
  /** Takes no connections any more, sends what waits within a bound, and ends all streams. */
  stop(): Promise<void>;
  /**
   * Applies other settings, and takes the server's certificate anew. Streams that the new rules forbid end. A file of
   * authorities that cannot be used leaves the former ones. Never rejects.
   */
  reload(settings: FederationSettings): Promise<void>;
  /**
   * Takes a stanza for another server: `from` and `to` are valid, prepared, and of this server the one, of another one the
   * other. If it cannot be delivered, an error for its sender is routed.
   */
  send(stanza: Element): void;
}

export function createFederation(options: FederationOptions): Federation {
  return new Federating(options);
}

class Federating implements Federation {
  readonly #options: FederationOptions;
  readonly #limits: FederationLimits;
  readonly #resolver: S2sResolver;
  readonly #outbound: Outbound;
  readonly #verifier: KeyVerifier;
  readonly #incoming: IncomingStreams;
  readonly #listeners: S2sListeners;
  #settings: FederationSettings;
  #authorities: readonly string[] = [];
  #tls: S2sTls | undefined;

  constructor(options: FederationOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#limits = { ...defaultFederationLimits, ...options.limits };
    const { clock, route, events, random = Math.random } = options;
    const context = this.#createContext();
    this.#resolver = new S2sResolver({
      dns: options.dns ?? createDns(),
      clock,
      random,
      settings: () => this.#settings,
    });
    const connect = createConnect({
      context,
      clock,
      resolver: this.#resolver,
      within: this.#limits.connect,
    });
    const { mayTalk } = context.policy;
    const outbound = { connect, mayTalk, address: context.address, route, events, clock, random };
    this.#outbound = new Outbound({ ...outbound, limits: this.#limits.outbound });
    this.#verifier = new KeyVerifier({ connect, clock, limits: this.#limits.verifier });
    this.#incoming = createIncomingStreams(context, options.maxConnectionsPerAddress);
    this.#listeners = createS2sListeners({ ...options, streams: this.#incoming });
  }

  get addresses(): S2sListeners['addresses'] {
    return this.#listeners.addresses;
  }

  async start(): Promise<void> {
    await this.#readTls();
    await this.#listeners.open();
  }

  async stop(): Promise<void> {
    this.#listeners.close();
    await this.#outbound.stop();
    this.#verifier.stop();
    await this.#incoming.close();
  }

  async reload(settings: FederationSettings): Promise<void> {
    this.#settings = settings;
    try {
      await this.#readTls();
    } catch (error) {
      this.#options.events.certificateRejected({ reason: explain(error) });
    }
    this.#resolver.forgetAll();
    this.#incoming.obey();
    this.#outbound.obey();
  }

  send(stanza: Element): void {
    this.#outbound.send(stanza);
  }

  async #readTls(): Promise<void> {
    const { ca } = this.#settings;
    this.#authorities = ca === undefined ? [] : await readAuthorities(ca, 'standalone.s2s_ca');
    this.#tls = this.#createTls();
  }

  #createTls(): S2sTls {
    return createS2sTls({ ...this.#options.certificate(), authorities: this.#authorities });
  }

  #createContext(): S2sContext {
    const { domain, isLocal, dialbackSecret, route, clock, randomBytes } = this.#options;
    const addresses = new AddressCache(this.#limits.addresses);
    return {
      domain: domain.domain,
      isLocal,
      policy: createPolicy(() => this.#settings),
      tls: () => {
        this.#tls ??= this.#createTls();
        return this.#tls;
      },
      dialbackSecret,
      verifyKey: (pair, streamId, key) =>
        this.#outbound.verify(pair, streamId, key) ?? this.#verifier.verify(pair, streamId, key),
      address: (text) => addresses.read(text),
      route,
      onBidi: (pair, stream) => this.#outbound.offer(pair, stream),
      offBidi: (pair, stream) => this.#outbound.withdraw(pair, stream),
      events: this.#createEvents(),
      clock,
      limits: this.#limits.streams,
      streamIds: new RandomText(randomBytes),
    };
  }

  /** Whoever has come and proved who he is can be reached, perhaps. */
  #createEvents(): S2sContext['events'] {
    const { events } = this.#options;
    return {
      ...events,
      serverConnected: (event) => {
        events.serverConnected(event);
        if (event.direction === 'incoming') this.#outbound.forgive(event.domain);
      },
    };
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'remedy' in error ? `${error.message} ${error.remedy}` : error.message;
}
