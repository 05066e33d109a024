import { constants } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/** Own certificate and trusted authorities, ready for handshakes in both directions. */
export interface S2sTls {
  readonly context: SecureContext;
  /** The authorities that are trusted, as PEM. */
  readonly authorities: readonly string[];
}

export interface S2sTlsOptions {
  /** The chain, as PEM. */
  readonly cert: string;
  readonly key: string;
  /** Authorities beside those that Node knows, as PEM, each one by itself. */
  readonly authorities?: readonly string[];
}

/**
 * Takes some milliseconds, for it reads all authorities: do it once for each certificate.
 * @throws if certificate and key are no pair, or no PEM
 */
export function createS2sTls({ cert, key, authorities: more = [] }: S2sTlsOptions): S2sTls {
  const authorities = [...rootCertificates, ...more];
  const context = createSecureContext({
    cert,
    key,
    ca: authorities,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  });
  return { context, authorities };
}
