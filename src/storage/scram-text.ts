import type { ScramKeys } from '../hosts/standalone/store.js';

/** SCRAM keys as text (RFC 5803): `SCRAM-SHA-256$iterations:salt$storedKey:serverKey`, bytes in base64. */
export function writeScramText(
  mechanism: 'SCRAM-SHA-1' | 'SCRAM-SHA-256',
  { salt, iterations, storedKey, serverKey }: ScramKeys,
): string {
  return `${mechanism}$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
}

/** @throws {Error} if the text is not of that form; it holds nothing of the text */
export function readScramText(text: string): ScramKeys {
  const [, iterations, salt, storedKey, serverKey] =
    /^[\w-]+\$(\d+):([\w+/=]+)\$([\w+/=]+):([\w+/=]+)$/.exec(text) ?? [];
  if (salt === undefined || storedKey === undefined || serverKey === undefined) {
    throw new Error('the credentials of an account are not in the form of RFC 5803');
  }
  return {
    salt: Buffer.from(salt, 'base64'),
    iterations: Number(iterations),
    storedKey: Buffer.from(storedKey, 'base64'),
    serverKey: Buffer.from(serverKey, 'base64'),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
