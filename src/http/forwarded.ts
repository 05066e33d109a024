import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** What a request says of the client behind a reverse proxy, as far as it can be believed. */
export interface Forwarded {
  /** The client's address: the last one that was not written by a trusted proxy. */
  addressOf(request: IncomingMessage): string;
  /**
   * Whether nobody else could read along: the connection is a trusted proxy's or the machine's own, and the proxy does
   * not say that its client came without TLS.
   */
  isPrivate(request: IncomingMessage): boolean;
}

const encryptedSchemes = ['https', 'wss'];

/** Believes proxies with these addresses, or in these CIDR ranges. */
export function createForwarded(trustedProxies: readonly string[]): Forwarded {
  const isTrusted = matcher(trustedProxies);
  const isLoopback = matcher(['127.0.0.0/8', '::1']);
  return {
    addressOf(request) {
      let address = remoteAddress(request);
      const hops = valuesOf(request, 'x-forwarded-for');
      for (let hop = hops.pop(); hop !== undefined && isTrusted(address); hop = hops.pop()) address = hop;
      return address;
    },
    isPrivate(request) {
      const address = remoteAddress(request);
      const schemes = valuesOf(request, 'x-forwarded-proto');
      const isNear = isTrusted(address) || isLoopback(address);
      return isNear && schemes.every((scheme) => encryptedSchemes.includes(scheme.toLowerCase()));
    },
  };
}

const remoteAddress = ({ socket }: IncomingMessage) => socket.remoteAddress ?? '';

function valuesOf({ headers }: IncomingMessage, name: string): string[] {
  const field = headers[name];
  const text = Array.isArray(field) ? field.join(',') : (field ?? '');
  return text
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

function matcher(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}
