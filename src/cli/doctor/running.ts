import type { ListenAddress } from '../../config/config.js';
import { formatAddress } from '../format-address.js';
import { httpGet, jsonObject } from './http-get.js';
import { localAddress } from './local-address.js';

/** A Belfry process that answers at `http.listen`. */
export interface RunningBelfry {
  readonly instance: string;
  /** True if it is connected to its XMPP server. */
  readonly isConnected: boolean;
}

/** Asks whoever listens there whether it is Belfry; undefined if nobody answers or it is something else. */
export async function findRunning(listen: ListenAddress): Promise<RunningBelfry | undefined> {
  const answer = await httpGet(new URL(`http://${formatAddress(localAddress(listen))}/readyz`));
  if ('error' in answer) return undefined;
  const { instance, checks } = jsonObject(answer) ?? {};
  if (typeof instance !== 'string') return undefined;
  const host = typeof checks === 'object' && checks !== null && 'host' in checks ? checks.host : undefined;
  return { instance, isConnected: host === 'ok' };
}
