import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, createAuthority } from './authority.js';
import { type StandaloneOptions, type StandaloneServer, startStandalone } from './belfry-standalone.js';
import type { CertificateFiles } from './certificate.js';
import { type DnsServer, startDnsServer, zoneOf } from './dns-server.js';
import { startEjabberd } from './ejabberd.js';
import { freePort } from './net.js';
import { type ProsodyOptions, startProsody } from './prosody.js';
import { connectPeer, type Peer } from './xmpp-peer.js';
import { temporaryFolder, type XmppServer } from './xmpp-server.js';

export const password = 'a-password';

/** How servers prove who they are: by certificates of an authority that all trust, or, without that, by dialback. */
export type Trust = 'certificate' | 'dialback';

/** A running server of one domain, and those who log in to it. */
export interface FederatedServer {
  readonly domain: string;
  readonly server: XmppServer | StandaloneServer;
  /** Logs in as `user@domain/resource`. */
  login(user: string, resource?: string): Promise<Peer>;
}

interface Place {
  readonly domain: string;
  /** Domains that the same server has beside it: of components, of rooms. */
  readonly subdomains: readonly string[];
  readonly port: number;
  readonly certificate: CertificateFiles;
}

type Subdomains = Readonly<Record<string, readonly string[]>>;

/** Servers on this machine that find each other: Belfrys by their configuration, others by a DNS server. */
export class FederatedWorld {
  readonly #trust: Trust;
  readonly #authority: Authority = createAuthority();
  readonly #folder: string;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #dns: DnsServer;
  readonly #closers: (() => Promise<void>)[] = [];

  private constructor(
    trust: Trust,
    folder: string,
    ports: Readonly<Record<string, number>>,
    subdomains: Subdomains,
    dns: DnsServer,
  ) {
    this.#trust = trust;
    this.#folder = folder;
    this.#dns = dns;
    this.#closers.push(() => dns.close());
    const places = Object.entries(ports).map(([domain, port]): [string, Place] => {
      const file = (kind: string) => join(folder, `${domain}.${kind}.pem`);
      const certificate = { cert: file('cert'), key: file('key') };
      return [domain, { domain, subdomains: subdomains[domain] ?? [], port, certificate }];
    });
    this.#places = new Map(places);
  }

  /** `subdomains`: what servers of these domains have beside them. */
  static async create(
    trust: Trust,
    domains: readonly string[],
    subdomains: Subdomains = {},
  ): Promise<FederatedWorld> {
    const ports: Record<string, number> = {};
    const zone: Record<string, number> = {};
    for (const domain of domains) {
      const port = await freePort();
      ports[domain] = port;
      for (const name of [domain, ...(subdomains[domain] ?? [])]) zone[name] = port;
    }
    const dns = await startDnsServer(zoneOf(zone));
    const folder = await temporaryFolder('federation');
    const world = new FederatedWorld(trust, folder, ports, subdomains, dns);
    await world.#writeCertificates();
    return world;
  }

  /** A Belfry with accounts of these names; `more` are further keys of `standalone`. */
  async belfry(
    domain: string,
    users: readonly string[],
    more: Readonly<Record<string, unknown>> = {},
    options: Pick<StandaloneOptions, 'more'> = {},
  ): Promise<FederatedServer> {
    const { certificate, port } = this.#place(domain);
    const others = [...this.#places.values()].filter((place) => place.domain !== domain);
    const server = await startStandalone({
      accounts: accountsOf(domain, users),
      directTls: certificate,
      env: { BELFRY_LOG_LEVEL: 'debug' },
      ...options,
      standalone: {
        s2s: `127.0.0.1:${port}`,
        s2s_direct_tls: false,
        s2s_secure_auth: this.#trust === 'certificate',
        ...(this.#authorityFile !== undefined && { s2s_ca: this.#authorityFile }),
        s2s_connect: Object.fromEntries(others.flatMap(addressesOf)),
        ...more,
      },
    });
    return this.#add(domain, server, this.#authority.cert);
  }

  async prosody(
    domain: string,
    users: readonly string[],
    modules: readonly string[] = [],
    options: Pick<ProsodyOptions, 'components' | 'rooms'> = {},
  ): Promise<FederatedServer> {
    const server = await startProsody({
      ...options,
      accounts: accountsOf(domain, users),
      modules: ['version', 'vcard', ...modules],
      federation: this.#federation(domain),
    });
    return this.#add(domain, server);
  }

  async ejabberd(domain: string, users: readonly string[]): Promise<FederatedServer> {
    const server = await startEjabberd({
      accounts: accountsOf(domain, users),
      modules: { mod_version: {}, mod_vcard: {} },
      federation: this.#federation(domain),
    });
    return this.#add(domain, server);
  }

  /** Ends everything, the last first. */
  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #authorityFile(): string | undefined {
    return this.#trust === 'certificate' ? join(this.#folder, 'authority.pem') : undefined;
  }

  #place(domain: string): Place {
    const place = this.#places.get(domain);
    if (place === undefined) throw new Error(`${domain} was not announced`);
    return place;
  }

  #federation(domain: string) {
    const { port, certificate } = this.#place(domain);
    return { port, certificate, authority: this.#authorityFile, dnsPort: this.#dns.port };
  }

  #add(domain: string, server: XmppServer | StandaloneServer, certificate?: string): FederatedServer {
    this.#closers.push(() => server.stop());
    const connect = { host: '127.0.0.1', port: server.c2sPort };
    return {
      domain,
      server,
      login: async (user, resource = 'test') => {
        const where = { connect, ...(certificate !== undefined && { certificate }) };
        const peer = await connectPeer(where, `${user}@${domain}/${resource}`, password);
        this.#closers.push(() => peer.close());
        return peer;
      },
    };
  }

  async #writeCertificates(): Promise<void> {
    await writeFile(join(this.#folder, 'authority.pem'), this.#authority.cert);
    for (const { domain, subdomains, certificate } of this.#places.values()) {
      const { cert, key } = this.#authority.issue({ names: [domain, ...subdomains], usage: 'both' });
      await writeFile(certificate.cert, cert);
      await writeFile(certificate.key, key);
    }
  }
}

/** Where the domains of a place are found. */
const addressesOf = ({ domain, subdomains, port }: Place) =>
  [domain, ...subdomains].map((name): [string, string] => [name, `127.0.0.1:${port}`]);

const accountsOf = (domain: string, users: readonly string[]) =>
  Object.fromEntries(users.map((user) => [`${user}@${domain}`, password]));
