import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TlsError } from '../../../net/tls-error.js';
import type { Jid } from '../../../xmpp/jid.js';
import { ownCertificate } from './own-certificate.js';
import { type PemPair, parseCertificate } from './pem-pair.js';

/** What clients dislike about a certificate. */
export interface CertificateProblem {
  /** A sentence for the operator. */
  readonly text: string;
  /** Clients refuse it because of that; otherwise there is still time. */
  readonly isRefused: boolean;
}

/** A certificate with its key, found to be usable. */
export interface Certificate {
  /** PEM; the certificates of authorities may follow the server's own. */
  readonly cert: string;
  /** PEM of the private key. */
  readonly key: string;
  /** The domains and addresses that it is for. */
  readonly names: readonly string[];
  /** Its last moment. */
  readonly until: Date;
  readonly problems: readonly CertificateProblem[];
  /** What `tls-server-end-point` binds to (RFC 5929 §4.1); undefined if that is not defined for this certificate. */
  readonly serverEndPoint: Uint8Array | undefined;
}

/** Where the certificate and its key come from. */
export interface CertificateSource {
  /** Files with PEM; undefined for a self-signed certificate that is kept in `dataDir`. */
  readonly files?: { readonly cert: string; readonly key: string } | undefined;
  readonly dataDir: string;
  readonly domain: Jid;
  /** Further domains of the server; a certificate that is made is for them as well. */
  readonly furtherDomains?: readonly Jid[];
}

/**
 * Reads the server's certificate and its key, or makes them if none are given.
 * @throws {TlsError} (as rejection) if they cannot be read, written or used
 */
export async function loadCertificate(
  { files, dataDir, domain, furtherDomains = [] }: CertificateSource,
  now: number = Date.now(),
): Promise<Certificate> {
  const pair =
    files === undefined
      ? await ownCertificate({ dataDir, domains: [domain, ...furtherDomains], now, randomBytes })
      : await readPair(files);
  return parseCertificate(pair, domain, now);
}

async function readPair({ cert, key }: { cert: string; key: string }): Promise<PemPair> {
  return {
    cert: { file: cert, text: await read(cert, 'standalone.tls.cert') },
    key: { file: key, text: await read(key, 'standalone.tls.key') },
  };
}

async function read(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TlsError(
      `${file} cannot be read: ${reason}.`,
      `Check ${option}, and that the user Belfry runs as may read the file.`,
      { cause },
    );
  }
}
