import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Events } from '../../observability/events.js';
import type { Jid } from '../../xmpp/jid.js';
import type { Software } from '../entity/own-services.js';
import type { AccountHost, Host } from '../host.js';
import { systemClock } from '../system-clock.js';
import type { AccountAdmin } from './account-admin.js';
import { createAccountHost } from './account-host.js';
import { assembleServer } from './assemble.js';
import { type C2sListeners, createC2sListeners } from './c2s/listeners.js';
import { type ComponentListener, createComponentListener } from './components/component-listener.js';
import type { ListenAddress } from './connections/tcp-listener.js';
import type { Core } from './core.js';
import { OpenRegistration } from './modules/open-registration.js';
import { createFederation, type Federation } from './s2s/federation.js';
import type { FederationSettings } from './s2s/policy.js';
import { createSasl, type SaslServer } from './sasl/sasl-server.js';
import type { StandaloneSettings } from './settings.js';
import type { StandaloneStores } from './store.js';
import { type CertificateSource, loadCertificate } from './tls/certificate.js';
import { type CertificateHolder, createCertificateHolder } from './tls/certificate-holder.js';

/** What can change while the server runs. */
export interface ReloadableOptions {
  readonly settings: StandaloneSettings;
  /** Files with PEM; undefined for a self-signed certificate in `dataDir`. */
  readonly tls: CertificateSource['files'];
  /** Other servers: with whom, how and where; undefined for none. Where, and whether at all, only counts at the start. */
  readonly s2s:
    | (FederationSettings & {
        readonly listen: ListenAddress;
        readonly listenDirectTls: ListenAddress | undefined;
      })
    | undefined;
}

export interface StandaloneHostOptions extends ReloadableOptions {
  readonly domain: Jid;
  /** Domains that `entity` will be asked for, as far as a certificate is to know them. */
  readonly furtherDomains?: readonly Jid[];
  readonly dataDir: string;
  /** Where clients connect and use STARTTLS; undefined for nowhere. */
  readonly c2s: ListenAddress | undefined;
  /** Where clients connect with TLS from the first byte; undefined for nowhere. */
  readonly c2sDirectTls: ListenAddress | undefined;
  readonly requireEncryption: boolean;
  /** Bytes per second that a session may send for long; 0 for no limit. */
  readonly rateLimit: number;
  /** 0 for no limit. */
  readonly maxConnectionsPerAddress: number;
  /** Where external components connect, and their secrets by domain; undefined for nowhere. */
  readonly components:
    | { readonly listen: ListenAddress; readonly secrets: ReadonlyMap<string, string> }
    | undefined;
  readonly stores: StandaloneStores;
  /** A secret of the installation, at least 16 bytes: what authentication shows of accounts that do not exist. */
  readonly saslSecret: Uint8Array;
  /** Another one, of at least 32 bytes: what proves to other servers that connections are ours (XEP-0220). */
  readonly dialbackSecret: Uint8Array;
  /** Another one in each process; letters and digits. */
  readonly processId: string;
  readonly software: Software;
  readonly events: Events;
  /** Whether a WebSocket is encrypted, to us or to a proxy that we trust; without it none is. */
  readonly isPrivate?: (request: IncomingMessage) => boolean;
  /** Whose WebSocket it is, if not that of whoever connected. */
  readonly addressOf?: (request: IncomingMessage) => string;
}

/** Where clients, components and other servers connect; absent for nowhere. */
export interface ServerAddresses {
  readonly c2s?: ListenAddress;
  readonly directTls?: ListenAddress;
  readonly components?: ListenAddress;
  readonly s2s?: ListenAddress;
  readonly s2sDirectTls?: ListenAddress;
}

/** The embedded XMPP server. */
export interface StandaloneHost {
  readonly accounts: AccountAdmin;
  /** The own domain as a host that has accounts, for services. */
  readonly accountHost: AccountHost;
  /** Where others can connect, with real ports, once it has started. */
  readonly addresses: ServerAddresses;
  /** False from the stop on. */
  readonly isConnected: boolean;
  /** The host that is a domain of this server: its own, or a further one, which exists from then on. */
  entity(domain: Jid): Host;
  /** Hears of accounts that were removed, before whoever removed one hears that it is done. */
  onAccountRemoved(handler: (jid: Jid) => Promise<void>): void;
  /** Listens. Rejects with the error of `listen`; then nothing listens. */
  start(): Promise<void>;
  /** Ends all sessions with `system-shutdown`, and resolves when what they left behind is stored. */
  stop(): Promise<void>;
  /** Applies other settings and reads the certificate again. One that cannot be used leaves the former. Never rejects. */
  reload(options: ReloadableOptions): Promise<void>;
  /** Takes over an HTTP request for a WebSocket (RFC 7395), or answers it. */
  readonly upgrade: C2sListeners['upgrade'];
}

/**
 * Puts the server together, and reads its certificate or makes one.
 * @throws {TlsError} (as rejection) if the certificate cannot be used
 */
export async function createStandaloneHost(options: StandaloneHostOptions): Promise<StandaloneHost> {
  const { domain, furtherDomains = [], dataDir, stores, events } = options;
  let reloadable: ReloadableOptions = options;
  const certificates = await createCertificateHolder({
    load: () => loadCertificate({ files: reloadable.tls, dataDir, domain, furtherDomains }),
    events,
  });
  const settings = liveSettings(() => reloadable.settings);
  let federation: Federation | undefined;
  const { core, accounts, archive } = assembleServer({
    ...options,
    settings,
    routeRemote: options.s2s && ((stanza) => federation?.send(stanza)),
  });
  federation = openFederation(options, { core, certificates });
  const sasl = createSasl({
    domain,
    accounts: stores.accounts,
    secret: options.saslSecret,
    randomBytes,
    events,
  });
  const c2s = createListeners(options, { core, accounts, sasl, certificates });
  const components = createComponents(options, core);
  const accountHost = createAccountHost(core.server, core.entity(domain));
  let isStopped = false;
  return {
    accounts,
    accountHost,
    get addresses() {
      const { address } = components ?? {};
      return {
        ...c2s.addresses,
        ...federation?.addresses,
        ...(address !== undefined && { components: address }),
      };
    },
    get isConnected() {
      return !isStopped;
    },
    entity: (name) => core.entity(name),
    onAccountRemoved: (handler) => core.server.hooks.accountRemoved.on(handler),
    start: () => startAll([archive, federation, c2s, components]),
    async stop() {
      isStopped = true;
      await core.drain();
      // The core first: clients hear how much of what they sent was handled before their streams end.
      await Promise.all([core.stop(), c2s.stop()]);
      // What the end of sessions leaves to say has gone out by now.
      await Promise.all([components?.stop(), federation?.stop()]);
      await archive.stop();
      sasl.close();
    },
    async reload(next) {
      reloadable = next;
      if (await certificates.reload()) c2s.reloadTls();
      if (next.s2s !== undefined) await federation?.reload(next.s2s);
    },
    upgrade: c2s.upgrade,
  };
}

function openFederation(
  { s2s, ...options }: StandaloneHostOptions,
  { core: { server }, certificates }: Pick<Parts, 'core' | 'certificates'>,
): Federation | undefined {
  return (
    s2s &&
    createFederation({
      ...options,
      ...s2s,
      settings: s2s,
      isLocal: server.isLocal,
      route: server.route,
      certificate: () => certificates.current(),
      clock: systemClock,
      randomBytes,
    })
  );
}

interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts what there is, in order; if one fails, those before it are stopped. */
async function startAll(parts: readonly (Startable | undefined)[]): Promise<void> {
  const started: Startable[] = [];
  try {
    for (const part of parts) {
      await part?.start();
      if (part !== undefined) started.unshift(part);
    }
  } catch (error) {
    for (const part of started) await part.stop();
    throw error;
  }
}

function createComponents(
  { components, events }: StandaloneHostOptions,
  { server }: Core,
): ComponentListener | undefined {
  return components && createComponentListener({ ...components, server, events });
}

/** What modules read of it at each request is what counts at that moment. */
function liveSettings(current: () => StandaloneSettings): StandaloneSettings {
  return {
    get registration() {
      return current().registration;
    },
    get maxOfflineMessages() {
      return current().maxOfflineMessages;
    },
    get maxSessionsPerAccount() {
      return current().maxSessionsPerAccount;
    },
    get smacks() {
      return current().smacks;
    },
    get archive() {
      return current().archive;
    },
  };
}

interface Parts {
  readonly core: Core;
  readonly accounts: AccountAdmin;
  readonly sasl: SaslServer;
  readonly certificates: CertificateHolder;
}

function createListeners(
  options: StandaloneHostOptions,
  { core, accounts, sasl, certificates }: Parts,
): C2sListeners {
  const { settings } = core.server;
  const registration = new OpenRegistration({ ...options, settings, accounts });
  return createC2sListeners({
    ...options,
    entrance: core.entrance,
    sasl,
    certificate: () => certificates.current(),
    openFeatures: () => registration.features(),
    beforeAuthentication: (iq, channel) => registration.answer(iq, channel),
    listen: options.c2s,
    listenDirectTls: options.c2sDirectTls,
    clock: systemClock,
    randomBytes,
  });
}
