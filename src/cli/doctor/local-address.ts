import type { ListenAddress } from '../../config/config.js';

/** Where this machine reaches what listens there: an address of all interfaces by loopback. */
export function localAddress({ host, port }: ListenAddress): ListenAddress {
  return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port };
}
