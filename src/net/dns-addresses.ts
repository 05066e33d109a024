import type { Resolver } from 'node:dns/promises';

/** There is no such name, or nothing of that kind at it. */
const absent: readonly string[] = ['ENOTFOUND', 'ENODATA'];

/**
 * The addresses that DNS knows of a host, IPv6 and IPv4 in turns; empty if there are none. Rejects with the resolver's error if
 * there was no answer for one kind, and nothing of the other.
 */
export async function dnsAddresses(
  resolver: Pick<Resolver, 'resolve4' | 'resolve6'>,
  host: string,
): Promise<readonly string[]> {
  const answers = await Promise.allSettled([
    orNothing(resolver.resolve6(host)),
    orNothing(resolver.resolve4(host)),
  ]);
  const [ipv6 = [], ipv4 = []] = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed !== undefined && ipv6.length + ipv4.length === 0) throw failed.reason;
  return inTurns(ipv6, ipv4);
}

/** What was asked; empty where there is no such thing. */
export async function orNothing<T>(question: Promise<T[]>): Promise<T[]> {
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
