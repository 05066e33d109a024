import { randomBytes } from 'node:crypto';
import type { Storage } from './storage/open.js';

/**
 * A key of 32 bytes, made once for all processes that share the storage: it lasts as long as that does. Rejects with the database's
 * error.
 */
export async function readInstallationKey(
  { keys }: Pick<Storage, 'keys'>,
  name: 'sasl' | 's2s-dialback' | 'gateway',
): Promise<Uint8Array> {
  const text = await keys.getOrCreate(name, () => randomBytes(32).toString('base64url'));
  return Buffer.from(text, 'base64url');
}
