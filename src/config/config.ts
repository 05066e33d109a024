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

/** The valid configuration: every default filled in, every value parsed, frozen. Durations are in seconds. */
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
  readonly log: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
    readonly format: 'auto' | 'json' | 'pretty';
  };
}
