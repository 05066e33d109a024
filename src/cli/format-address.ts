import type { ListenAddress } from '../config/config.js';

/** `host:port` as in URLs, with an IPv6 address in brackets (RFC 3986 §3.2.2). */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
