import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import { domainToASCII } from 'node:url';
import { TlsError } from '../../../net/tls-error.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Certificate, CertificateProblem } from './certificate.js';
import { endPointHash } from './end-point-hash.js';

/** Texts of a certificate and its key, with the names of the files for messages. */
export interface PemPair {
  readonly cert: { readonly file: string; readonly text: string };
  readonly key: { readonly file: string; readonly text: string };
}

const dayMs = 24 * 60 * 60 * 1000;
/** Certificates are renewed 30 days before their end as a rule: with less than this left something is stuck. */
const warningDays = 14;

/**
 * Puts a certificate and its key together.
 * @throws {TlsError} if one of them cannot be read, or they do not belong together
 */
export function parseCertificate(pair: PemPair, domain: Jid, now: number): Certificate {
  const x509 = parseX509(pair.cert);
  const privateKey = parseKey(pair.key);
  checkPair(x509, privateKey, pair);
  return {
    cert: pair.cert.text,
    key: pair.key.text,
    names: namesOf(x509),
    until: new Date(x509.validTo),
    problems: problemsOf(x509, domain, now),
    serverEndPoint: endPointHash(x509.raw),
  };
}

/** @throws {TlsError} */
export function parseX509({ file, text }: PemPair['cert']): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw new TlsError(
      `There is no certificate in ${file}.`,
      'It has to be PEM: a block that begins with "-----BEGIN CERTIFICATE-----".',
      { cause },
    );
  }
}

/** @throws {TlsError} */
export function parseKey({ file, text }: PemPair['key']): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
      throw new TlsError(
        `The key in ${file} is encrypted.`,
        `Write it without a passphrase: openssl pkey -in ${file} -out key.pem`,
      );
    }
    throw new TlsError(
      `There is no private key in ${file}.`,
      'It has to be PEM: a block that begins with "-----BEGIN PRIVATE KEY-----".',
      { cause },
    );
  }
}

function checkPair(x509: X509Certificate, privateKey: KeyObject, { cert, key }: PemPair): void {
  if (!x509.checkPrivateKey(privateKey)) {
    throw new TlsError(
      `The key in ${key.file} is not that of the first certificate in ${cert.file}.`,
      "Both have to be of the same issue, and the server's own certificate has to come before those of authorities.",
    );
  }
  try {
    createSecureContext({ cert: cert.text, key: key.text });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TlsError(
      `TLS does not take the certificate in ${cert.file} with its key: ${reason}.`,
      'Get one with an ECDSA key on P-256 or an RSA key of 2,048 bits or more.',
    );
  }
}

/** Whether a certificate is for a domain, or for an address if the domain is one. */
export function covers(x509: X509Certificate, domain: Jid): boolean {
  const name = asciiName(domain);
  return (isIP(name) === 0 ? x509.checkHost(name) : x509.checkIP(name)) !== undefined;
}

/** A domain as certificates have it: in ASCII, an IPv6 address without its brackets. */
export function asciiName(domain: Jid): string {
  const address = /^\[(.*)\]$/.exec(domain.domain)?.[1];
  return address ?? domainToASCII(domain.domain);
}

function namesOf(x509: X509Certificate): string[] {
  const names = x509.subjectAltName?.split(', ') ?? [];
  return names.flatMap((name) => {
    const [, kind, value] = /^(DNS|IP Address):(.+)$/.exec(name) ?? [];
    if (value === undefined) return [];
    return kind === 'DNS' ? [value] : [shortAddress(value)];
  });
}

/** Node writes IPv6 addresses with all their zeros. */
function shortAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function problemsOf(x509: X509Certificate, domain: Jid, now: number): CertificateProblem[] {
  const problems: CertificateProblem[] = [];
  const refuse = (why: string) =>
    problems.push({ text: `The certificate ${why}: clients will refuse it.`, isRefused: true });
  const days = Math.floor((Date.parse(x509.validTo) - now) / dayMs);
  if (days < 0) refuse(`has ended on ${x509.validTo}`);
  else if (days < warningDays) {
    const text = `The certificate ends in ${days} days: check that its renewal works.`;
    problems.push({ text, isRefused: false });
  }
  if (Date.parse(x509.validFrom) > now) refuse(`is not valid before ${x509.validFrom}`);
  if (!covers(x509, domain)) {
    refuse(`is not for ${domain}, but for ${namesOf(x509).join(', ') || 'no domain'}`);
  }
  return problems;
}
