import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { dnsAddresses, orNothing } from '../../../net/dns-addresses.js';

/** A place where a service is (RFC 2782). */
export interface ServiceRecord {
  /** A host; the empty string: the service is decidedly not there. */
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** What is asked of DNS. Answers are empty where there is nothing; they reject if there was no answer, in bounded time. */
export interface Dns {
  services(name: string): Promise<readonly ServiceRecord[]>;
  /** IPv6 and IPv4 in turns. */
  addresses(host: string): Promise<readonly string[]>;
  /** The same for a host that the operator named: as the system finds it, `/etc/hosts` included. */
  lookup(host: string): Promise<readonly string[]>;
}

export interface DnsOptions {
  /** `address:port` of servers to ask instead of the system's. */
  readonly servers?: readonly string[];
}

/** Milliseconds that one server may take, and how often all are asked. */
const timeout = 3_000;
const tries = 2;

export function createDns({ servers }: DnsOptions = {}): Dns {
  const resolver = new Resolver({ timeout, tries });
  if (servers !== undefined) resolver.setServers(servers);
  return {
    services: async (name) => (await orNothing(resolver.resolveSrv(name))).map(asRecord),
    addresses: (host) => dnsAddresses(resolver, host),
    async lookup(host) {
      if (isIP(host) !== 0) return [host];
      return (await orNothing(lookup(host, { all: true }))).map(({ address }) => address);
    },
  };
}

function asRecord({ name, ...record }: ServiceRecord): ServiceRecord {
  return { ...record, name: name === '.' ? '' : name };
}
