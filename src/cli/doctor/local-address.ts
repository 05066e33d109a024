import type { ListenAddress } from '../../config/config.js';

/** Whether an address is for this machine alone. */
export function isLoopback(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host);
}

/** Whether a domain is one that every machine has for itself (RFC 6761 §6.3). */
export function isOfThisMachine(domain: string): boolean {
  return domain === 'localhost' || domain.endsWith('.localhost');
}

/** Where this machine reaches what listens there: an address of all interfaces by loopback. */
export function localAddress({ host, port }: ListenAddress): ListenAddress {
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port };
}
