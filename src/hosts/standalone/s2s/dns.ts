import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

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

/** There is no such name, or nothing of that kind at it. */
const absent: readonly string[] = ['ENOTFOUND', 'ENODATA'];

export function createDns({ servers }: DnsOptions = {}): Dns {
  const resolver = new Resolver({ timeout, tries });
  if (servers !== undefined) resolver.setServers(servers);
  return {
    services: async (name) => (await answered(resolver.resolveSrv(name))).map(asRecord),
    async addresses(host) {
      const answers = await Promise.allSettled([
        answered(resolver.resolve6(host)),
        answered(resolver.resolve4(host)),
      ]);
      const [ipv6 = [], ipv4 = []] = answers.map((answer) =>
        answer.status === 'fulfilled' ? answer.value : [],
      );
      const [failed] = answers.filter((answer) => answer.status === 'rejected');
      if (failed !== undefined && ipv6.length + ipv4.length === 0) throw failed.reason;
      return inTurns(ipv6, ipv4);
    },
    async lookup(host) {
      if (isIP(host) !== 0) return [host];
      return (await answered(lookup(host, { all: true }))).map(({ address }) => address);
    },
  };
}

function asRecord({ name, ...record }: ServiceRecord): ServiceRecord {
  return { ...record, name: name === '.' ? '' : name };
}

async function answered<T>(question: Promise<T[]>): Promise<T[]> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof Error && 'code' in error && absent.includes(String(error.code))) return [];
    throw error;
  }
}

function inTurns<T>(some: readonly T[], others: readonly T[]): T[] {
  const longest = Math.max(some.length, others.length);
  return Array.from({ length: longest }, (_, index) => [
    ...some.slice(index, index + 1),
    ...others.slice(index, index + 1),
  ]).flat();
}
