import type { ListenAddress } from '../../config/config.js';
import { formatAddress } from '../format-address.js';
import { httpGet, jsonObject } from './http-get.js';

/** A Belfry process that answers at `http.listen`. */
export interface RunningBelfry {
  readonly instance: string;
  /** True if it is connected to its XMPP server. */
  readonly isConnected: boolean;
}

/** Asks whoever listens there whether it is Belfry; undefined if nobody answers or it is something else. */
export async function findRunning(listen: ListenAddress): Promise<RunningBelfry | undefined> {
  const answer = await httpGet(new URL('/readyz', localUrl(listen)));
  if ('error' in answer) return undefined;
  const { instance, checks } = jsonObject(answer) ?? {};
  if (typeof instance !== 'string') return undefined;
  const host = typeof checks === 'object' && checks !== null && 'host' in checks ? checks.host : undefined;
  return { instance, isConnected: host === 'ok' };
}

/** An address that listens on all interfaces is reached by loopback. */
function localUrl({ host, port }: ListenAddress): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${formatAddress({ host: reached, port })}`;
}
