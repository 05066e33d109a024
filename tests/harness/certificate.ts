import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findExecutable } from './peer.js';

const openssl = findExecutable('openssl');

/** True if the program that makes certificates is installed. */
export const hasOpenssl = openssl !== undefined;

/** PEM files of a certificate and its key. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes a self-signed certificate (ECDSA on P-256) for a domain, valid for two days, in `folder`. */
export async function makeCertificate(folder: string, domain: string): Promise<CertificateFiles> {
  if (openssl === undefined) throw new Error('openssl is not installed');
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const subject = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:${domain}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await promisify(execFile)(openssl, [
    ...['req', '-x509', ...kind, ...subject],
    ...['-keyout', files.key, '-out', files.cert],
  ]);
  return files;
}
