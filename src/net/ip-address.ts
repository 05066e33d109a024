import { isIPv6 } from 'node:net';

const mappedIpv4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const groupCount = 8;
const prefixGroups = 4;

/**
 * What stands for one subscriber's connection when addresses are counted: an IPv4 address, also when it came as an IPv6
 * one, or the /64 of an IPv6 address, which is the least that anybody is given. Other texts stay as they are.
 */
export function networkOf(address: string): string {
  const ipv4 = mappedIpv4.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  if (!isIPv6(address)) return address;
  const prefix = ipv6Groups(address).slice(0, prefixGroups);
  return `${prefix.map((group) => group.toString(16)).join(':')}::/64`;
}

/** True for addresses of the machine itself, where everybody comes from who comes through a proxy on it. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (mappedIpv4.exec(address)?.[1] ?? address).startsWith('127.');
}

/** The 4 or 16 bytes of a valid address. */
export function addressBytes(address: string): Uint8Array {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  return Buffer.from(ipv6Groups(address).flatMap((group) => [group >> 8, group & 0xff]));
}

/** The eight numbers of an IPv6 address, whose zone does not count. */
function ipv6Groups(address: string): number[] {
  const [head = '', tail = ''] = (address.split('%')[0] ?? '').split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail);
  const zeros = Array<number>(groupCount - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after];
}

/** The IPv4 address that may stand at the end counts as the two groups that it is. */
function groupsOf(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
