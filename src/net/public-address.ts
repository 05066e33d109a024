import { isIP } from 'node:net';
import { addressBytes } from './ip-address.js';

/** Bytes that an address begins with, and how many of their bits count. */
interface Range {
  readonly prefix: readonly number[];
  readonly bits: number;
}

/** IPv4 that is not the public network's (RFC 6890 and IANA's registry of special-purpose addresses). */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(rangeOf);

/** All of IPv6 that is given out to anybody (RFC 4291 §2.4). What carries an IPv4 address is looked at before. */
const globalIpv6 = rangeOf('2000::/3');

/** IPv6 within that which is not the public network's. */
const specialIpv6 = [
  // For protocols (RFC 2928), Teredo and benchmarks among them.
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
].map(rangeOf);

/** IPv6 that leads to an IPv4 address, and where in it that stands. */
const carriers = [
  // Compatible (RFC 4291 §2.5.5.1) with `::` and `::1` among them, mapped (§2.5.5.2), translated (RFC 2765 §2.1).
  { range: rangeOf('::/96'), at: 12 },
  { range: rangeOf('::ffff:0:0/96'), at: 12 },
  { range: rangeOf('::ffff:0:0:0/96'), at: 12 },
  // NAT64 by its well-known prefix (RFC 6052 §2.1) and by 6to4 (RFC 3056 §2).
  { range: rangeOf('64:ff9b::/96'), at: 12 },
  { range: rangeOf('2002::/16'), at: 2 },
];

/**
 * Whether an address, in any spelling that `node:net` takes for one, is of the public network: nothing that it leads to is
 * behind whoever asks. Addresses that carry an IPv4 address count as that one; NAT64 by a local prefix (RFC 8215) and Teredo
 * never do, for where they lead is not to be seen. What is no address is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const bytes = addressBytes(address);
  return bytes.length === 4 ? isPublicIpv4(bytes) : isPublicIpv6(bytes);
}

/** Addresses of a network that belongs to somebody (RFC 1918, 6598, 4193), and of the machine itself. */
const privateIpv4 = ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(
  rangeOf,
);
const privateIpv6 = ['::1/128', 'fc00::/7'].map(rangeOf);

/** The IPv4 address within a mapped one, which is what the system connects to. */
const mapped = rangeOf('::ffff:0:0/96');

/**
 * Whether an address is one of a private network or of the machine itself. Those that no server has are not: link-local ones,
 * among them where clouds hand out their secrets, multicast, reserved.
 */
export function isPrivateAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const bytes = addressBytes(address);
  const plain = bytes.length > 4 && isIn(bytes, mapped) ? bytes.subarray(12) : bytes;
  return (plain.length === 4 ? privateIpv4 : privateIpv6).some((range) => isIn(plain, range));
}

function isPublicIpv4(bytes: Uint8Array): boolean {
  return !specialIpv4.some((range) => isIn(bytes, range));
}

function isPublicIpv6(bytes: Uint8Array): boolean {
  const carrier = carriers.find(({ range }) => isIn(bytes, range));
  if (carrier !== undefined) return isPublicIpv4(bytes.subarray(carrier.at, carrier.at + 4));
  return isIn(bytes, globalIpv6) && !specialIpv6.some((range) => isIn(bytes, range));
}

function rangeOf(text: string): Range {
  const [address = '', bits = ''] = text.split('/');
  return { prefix: [...addressBytes(address)], bits: Number(bits) };
}

function isIn(bytes: Uint8Array, { prefix, bits }: Range): boolean {
  for (let index = 0; index * 8 < bits; index++) {
    const left = bits - index * 8;
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff;
    if (((bytes[index] ?? 0) & mask) !== ((prefix[index] ?? 0) & mask)) return false;
  }
  return true;
}
