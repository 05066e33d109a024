import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TlsError } from './tls-error.js';

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates in a file, as PEM, each one by itself. `setting` is what names the file, for the operator.
 * @throws {TlsError} (as rejection) if it cannot be read, or has none, or one that is broken
 */
export async function readAuthorities(file: string, setting: string): Promise<readonly string[]> {
  const blocks = (await read(file, setting)).match(block) ?? [];
  if (blocks.length === 0 || !blocks.every(isCertificate))
    throw new TlsError(
      `There are no certificates of authorities in ${file}, or broken ones.`,
      'It has to be PEM: blocks that begin with "-----BEGIN CERTIFICATE-----".',
    );
  return blocks;
}

async function read(file: string, setting: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = `Check ${setting}, and that the user Belfry runs as may read the file.`;
    throw new TlsError(`${file} cannot be read: ${reason}.`, remedy, { cause });
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
