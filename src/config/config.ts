import type { TokenBackendName } from '../services/unified-push/tokens/backend.js';
import type { Jid } from '../xmpp/jid.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Belfry is an XMPP server itself. */
export interface StandaloneConfig {
  readonly kind: 'standalone';
  readonly domain: Jid;
  /** Where clients connect and use STARTTLS; undefined for nowhere. */
  readonly c2s: ListenAddress | undefined;
  /** Where clients connect with TLS from the first byte (XEP-0368); undefined for nowhere. */
  readonly c2sDirectTls: ListenAddress | undefined;
  /** False: clients may authenticate and talk without encryption. */
  readonly requireEncryption: boolean;
  /** Files with PEM; undefined for a self-signed certificate in `dataDir`. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly registration: 'open' | 'closed';
  /** Bytes per second that a session may send for long; 0 for no limit. */
  readonly rateLimit: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxSessionsPerAccount: number;
  readonly maxOfflineMessages: number;
  /** Undefined: no federation. */
  readonly s2s: FederationConfig | undefined;
  /** The listener for others' components (XEP-0114); undefined for none. */
  readonly components: ComponentListenerConfig | undefined;
  /** Stream management (XEP-0198). Times in seconds. */
  readonly smacks: {
    readonly hibernationTime: number;
    readonly maxAckDelay: number;
    readonly maxQueueSize: number;
  };
  /** The archive (XEP-0313); `expiresAfter` in seconds, 0 for never. */
  readonly archive: {
    readonly defaultPolicy: 'always' | 'roster' | 'never';
    readonly expiresAfter: number;
    readonly maxQueryResults: number;
  };
  /** What devices are told while they sleep (XEP-0357). */
  readonly cloudNotify: {
    readonly importantBody: string;
    readonly maxErrors: number;
    readonly maxDevices: number;
    /** In seconds. */
    readonly maxHibernationTimeout: number;
    readonly withBody: boolean;
    readonly withSender: boolean;
    /** In milliseconds. */
    readonly collectionTime: number;
  };
  /** What browsers are told while nobody has the client open (Web Push). */
  readonly webPush: {
    readonly importantBody: string;
    readonly maxDevices: number;
    readonly withBody: boolean;
    readonly withSender: boolean;
  };
}

/** How the embedded server talks to others (RFC 6120). Domains are prepared. */
export interface FederationConfig {
  /** Where servers connect and use STARTTLS. */
  readonly listen: ListenAddress;
  /** Where servers connect with TLS from the first byte (XEP-0368); undefined for nowhere. */
  readonly listenDirectTls: ListenAddress | undefined;
  readonly requireEncryption: boolean;
  /** Whether a server has to have a certificate that verifies; else dialback (XEP-0220) does as well. */
  readonly secureAuth: boolean;
  /** Exceptions: domains that have to, whatever `secureAuth`, and domains that need not. */
  readonly secureDomains: readonly string[];
  readonly insecureDomains: readonly string[];
  /** Undefined: all but those that are blocked. A domain stands for those below it as well. */
  readonly allowedDomains: readonly string[] | undefined;
  readonly blockedDomains: readonly string[];
  /** File with certificates of further authorities, as PEM. */
  readonly ca: string | undefined;
  /** Where servers of some domains are, instead of what DNS says. */
  readonly connect: ReadonlyMap<string, ListenAddress>;
  /** Whether DNS may lead to addresses of private networks. */
  readonly allowPrivateNetworks: boolean;
}

export interface ComponentListenerConfig {
  readonly listen: ListenAddress;
  /** By domain. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** Belfry is a component of another XMPP server. */
export interface ComponentConfig {
  readonly kind: 'component';
  readonly jid: Jid;
  readonly connect: ListenAddress;
  readonly secret: string;
}

/** Which XMPP server Belfry lives in. */
export type HostConfig = StandaloneConfig | ComponentConfig;

/** The valid configuration: every default filled in, every value parsed, frozen. Durations are in seconds where nothing else is said. */
export interface Config {
  readonly dataDir: string;
  readonly storage:
    | { readonly kind: 'sqlite'; readonly file: string }
    | { readonly kind: 'postgres'; readonly url: string };
  readonly host: HostConfig;
  readonly http: {
    readonly listen: ListenAddress;
    /** Absolute http(s) URL without query, fragment and trailing slash; may have a path prefix. */
    readonly publicUrl: string;
    /** Addresses or CIDR ranges of reverse proxies whose X-Forwarded-For counts. */
    readonly trustedProxies: readonly string[];
    /** Whether the page is served on which one can try Web Push. */
    readonly demo: boolean;
  };
  readonly unifiedPush: {
    readonly jid: Jid;
    readonly acl: readonly Jid[];
    readonly backend: TokenBackendName;
    readonly registrationTtl: number;
    readonly secret?: string;
    /** How long a push waits for the device's answer. */
    readonly pushTimeout: number;
    /** Pushes per minute and endpoint; 0 for no limit. */
    readonly rateLimit: number;
  };
  /** The app server that turns publishes of XMPP servers into Web Push (XEP-0357); undefined: there is none. */
  readonly gateway:
    | {
        readonly jid: Jid;
        /** Whose users may register. */
        readonly acl: readonly Jid[];
        /** Registrations of an account. */
        readonly maxDevices: number;
        /** Publishes per minute and registration that are sent each by itself; 0 for no limit. */
        readonly rateLimit: number;
      }
    | undefined;
  /** How the push services of browsers are reached (RFC 8030). */
  readonly webPush: {
    /** Whom they can turn to, a `mailto:` or `https:` URI (RFC 8292 §2.1). */
    readonly contact: string;
    /** Whether endpoints may be in private networks. */
    readonly allowPrivateNetworks: boolean;
    /** File with certificates of further authorities, as PEM. */
    readonly ca: string | undefined;
    /** How long a message is of use, for push services and for the queue. */
    readonly ttl: number;
    /** Messages that may wait to be sent again. */
    readonly maxWaiting: number;
  };
  readonly log: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
    readonly format: 'auto' | 'json' | 'pretty';
  };
}
