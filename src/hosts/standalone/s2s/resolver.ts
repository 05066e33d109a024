import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { isPublicAddress } from '../../../net/public-address.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { ListenAddress } from '../connections/tcp-listener.js';
import type { StreamFailure } from './context.js';
import type { Dns, ServiceRecord } from './dns.js';
import { inServiceOrder } from './service-order.js';

/** Where a connection can be made to. */
export interface Endpoint {
  /** An IP address, which has been judged: no name is looked up any more. */
  readonly address: string;
  readonly port: number;
  /** TLS from the first byte (XEP-0368). */
  readonly isDirectTls: boolean;
}

/** Never empty if something was found. */
export type Resolution =
  | { readonly kind: 'found'; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: 'failed'; readonly failure: StreamFailure };

/** Finds the servers of domains. */
export interface ServerResolver {
  /** Where the server of a prepared domain may be, in the order in which that is to be tried. Never rejects. */
  resolve(domain: string): Promise<Resolution>;
  /** Nothing was there: asks anew the next time. */
  forget(domain: string): void;
}

export interface ResolverOptions {
  readonly dns: Dns;
  readonly clock: Clock;
  /** A number from 0 up to 1, evenly distributed. */
  readonly random: () => number;
  /** Read at each question. */
  readonly settings: () => {
    readonly connect: ReadonlyMap<string, ListenAddress>;
    readonly allowPrivateNetworks: boolean;
  };
  readonly limits?: Partial<ResolverLimits>;
}

interface ResolverLimits {
  /** Domains whose servers are remembered, */
  readonly domains: number;
  /** and for how long, in milliseconds. */
  readonly rememberFor: number;
  /** Places that a domain's DNS may name; more are not looked at. */
  readonly services: number;
  /** Addresses that are tried. */
  readonly endpoints: number;
}

const defaultLimits: ResolverLimits = { domains: 1_000, rememberFor: 60_000, services: 8, endpoints: 16 };

/** Where servers listen if DNS names no port (RFC 6120 §3.2.2). */
const defaultPort = 5269;

interface Remembered {
  readonly until: number;
  readonly resolution: Promise<Resolution>;
}

/**
 * Finds servers by what the operator says, by SRV records of both kinds (RFC 6120 §3.2, XEP-0368) or by the domain's own
 * address. Addresses of private networks count only where the operator wants that.
 */
export class S2sResolver implements ServerResolver {
  readonly #options: ResolverOptions;
  readonly #limits: ResolverLimits;
  /** In the order in which they are forgotten. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  resolve(domain: string): Promise<Resolution> {
    const now = this.#options.clock.now();
    const known = this.#remembered.get(domain);
    if (known !== undefined && known.until > now) return known.resolution;
    const resolution = this.#ask(domain);
    this.#remember(domain, { until: now + this.#limits.rememberFor, resolution });
    return resolution;
  }

  forget(domain: string): void {
    this.#remembered.delete(domain);
  }

  /** The operator has said something else. */
  forgetAll(): void {
    this.#remembered.clear();
  }

  #remember(domain: string, remembered: Remembered): void {
    this.#remembered.delete(domain);
    this.#remembered.set(domain, remembered);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > this.#limits.domains && oldest !== undefined) this.forget(oldest);
    void remembered.resolution.then(({ kind }) => {
      if (kind === 'failed' && this.#remembered.get(domain) === remembered) this.forget(domain);
    });
  }

  async #ask(domain: string): Promise<Resolution> {
    try {
      const override = this.#options.settings().connect.get(domain);
      if (override !== undefined) return found(await this.#overridden(override));
      return this.#judge(await this.#endpointsOf(domain));
    } catch (error) {
      return failed({ condition: 'remote-server-timeout', reason: `DNS did not answer${codeOf(error)}.` });
    }
  }

  async #overridden({ host, port }: ListenAddress): Promise<Endpoint[]> {
    const addresses = await this.#options.dns.lookup(host);
    return addresses.map((address) => ({ address, port, isDirectTls: false }));
  }

  async #endpointsOf(domain: string): Promise<Endpoint[]> {
    const address = domain.startsWith('[') ? domain.slice(1, -1) : domain;
    if (isIP(address) !== 0) return [{ address, port: defaultPort, isDirectTls: false }];
    const name = domainToASCII(domain);
    if (name === '') return [];
    const services = await this.#servicesOf(name);
    const places = services ?? [{ name, port: defaultPort, isDirectTls: false }];
    const endpoints = await this.#addressesOf(places.slice(0, this.#limits.services));
    return endpoints.slice(0, this.#limits.endpoints);
  }

  /** Undefined if DNS says nothing of services, so that the domain's own address counts. */
  async #servicesOf(name: string): Promise<Service[] | undefined> {
    const { dns, random } = this.#options;
    const [direct, starttls] = await Promise.allSettled([
      dns.services(`_xmpps-server._tcp.${name}`),
      dns.services(`_xmpp-server._tcp.${name}`),
    ]);
    const all = [...servicesIn(direct, true), ...servicesIn(starttls, false)];
    const failure = [direct, starttls].find((answer) => answer.status === 'rejected');
    if (all.length === 0 && failure !== undefined) throw failure.reason;
    const isNowhere = starttls.status === 'fulfilled' && starttls.value.length > 0;
    if (all.length === 0 && !isNowhere) return undefined;
    return inServiceOrder(all, random);
  }

  async #addressesOf(places: readonly Place[]): Promise<Endpoint[]> {
    const answers = await Promise.allSettled(places.map(({ name }) => this.#options.dns.addresses(name)));
    const endpoints = answers.flatMap((answer, index) => {
      const place = places[index];
      if (answer.status === 'rejected' || place === undefined) return [];
      const { port, isDirectTls } = place;
      return answer.value.map((address) => ({ address, port, isDirectTls }));
    });
    const failure = answers.find((answer) => answer.status === 'rejected');
    if (endpoints.length === 0 && failure !== undefined) throw failure.reason;
    return endpoints;
  }

  #judge(endpoints: readonly Endpoint[]): Resolution {
    if (this.#options.settings().allowPrivateNetworks) return found(endpoints);
    const open = endpoints.filter(({ address }) => isPublicAddress(address));
    if (endpoints.length === 0 || open.length > 0) return found(open);
    return failed({
      condition: 'remote-server-not-found',
      reason: 'DNS leads to a private network.',
      remedy:
        'Say where the server is in standalone.s2s_connect, or set standalone.s2s_allow_private_networks: true.',
    });
  }
}

interface Place {
  readonly name: string;
  readonly port: number;
  readonly isDirectTls: boolean;
}

type Service = ServiceRecord & Place;

function servicesIn(answer: PromiseSettledResult<readonly ServiceRecord[]>, isDirectTls: boolean): Service[] {
  if (answer.status === 'rejected') return [];
  return answer.value.filter(({ name }) => name !== '').map((record) => ({ ...record, isDirectTls }));
}

function found(endpoints: readonly Endpoint[]): Resolution {
  if (endpoints.length > 0) return { kind: 'found', endpoints };
  return failed({ condition: 'remote-server-not-found', reason: 'DNS knows no server of that domain.' });
}

function failed(failure: Omit<StreamFailure, 'isFinal'>): Resolution {
  return { kind: 'failed', failure: { ...failure, isFinal: true } };
}

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
