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
  return isIPv6(address) ? `${prefixOf(address)}::/64` : address;
}

/** True for addresses of the machine itself, where everybody comes from who comes through a proxy on it. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (mappedIpv4.exec(address)?.[1] ?? address).startsWith('127.');
}

function prefixOf(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array<string>(Math.max(0, groupCount - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].slice(0, prefixGroups).join(':');
}

/** Groups without leading zeros; the IPv4 address that may stand at the end counts as the two that it is. */
function groupsOf(part: string): string[] {
  if (part === '') return [];
  return part
    .split(':')
    .flatMap((group) => (group.includes('.') ? ['0', '0'] : [Number.parseInt(group, 16).toString(16)]));
}
