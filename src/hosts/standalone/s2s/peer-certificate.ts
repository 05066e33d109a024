import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { domainToASCII } from 'node:url';
import { Jid } from '../../../xmpp/jid.js';

/**
 * Why the other side's certificate does not prove that it is a domain (prepared form), as the end of a sentence about the
 * certificate; undefined if it does.
 */
export type PeerProof = (domain: string) => string | undefined;

/** The longest chain that is followed. */
const maxChain = 10;

/** What Node and the operator trust, read when it is needed. */
export class TrustedAuthorities {
  readonly #pems: readonly string[];
  #bySubject: Map<string, X509Certificate[]> | undefined;

  constructor(pems: readonly string[]) {
    this.#pems = pems;
  }

  /** Whether one of them has signed the certificate itself. */
  haveSigned(certificate: X509Certificate): boolean {
    this.#bySubject ??= this.#read();
    const named = this.#bySubject.get(certificate.issuer) ?? [];
    return named.some((authority) => isSignedBy(certificate, authority));
  }

  #read(): Map<string, X509Certificate[]> {
    const bySubject = new Map<string, X509Certificate[]>();
    for (const pem of this.#pems) {
      const authority = new X509Certificate(pem);
      bySubject.set(authority.subject, [...(bySubject.get(authority.subject) ?? []), authority]);
    }
    return bySubject;
  }
}

/** What the certificate proves that was shown in a handshake (RFC 6120 §13.7.2). */
export function proofOf(socket: TLSSocket, trusted: TrustedAuthorities): PeerProof {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return () => 'was not shown';
  const flaw = chainFlaw(socket, certificate, trusted);
  if (flaw !== undefined) return () => flaw;
  return (domain) => (isFor(certificate, domain) ? undefined : `is not for ${domain}`);
}

function chainFlaw(
  { authorized, authorizationError }: TLSSocket,
  certificate: X509Certificate,
  trusted: TrustedAuthorities,
): string | undefined {
  if (authorized) return undefined;
  const code = String(authorizationError);
  if (code === 'INVALID_PURPOSE') return isAnchored(certificate, trusted) ? undefined : notTrusted;
  return flaws[code] ?? `does not verify (${code})`;
}

const notTrusted = 'is signed by an authority that is not trusted';

const flaws: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'came without the certificates of those who signed it',
};

/**
 * Certificates of today are for servers only, and OpenSSL dislikes that of one that a server shows as a client. It says so
 * only if nothing is wrong with signatures, times and names in the chain, but flaws in how the chain was put together
 * hide behind it: whether it leads to somebody trusted, and through authorities alone, is seen to here.
 */
function isAnchored(certificate: X509Certificate, trusted: TrustedAuthorities): boolean {
  let current = certificate;
  for (let length = 0; length < maxChain; length++) {
    if (trusted.haveSigned(current)) return true;
    const issuer = current.issuerCertificate;
    if (issuer === undefined || !issuer.ca || !isSignedBy(current, issuer)) return false;
    current = issuer;
  }
  return false;
}

const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate) =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

/** Whether one of the certificate's names is the domain: `dNSName` with wildcards, `iPAddress`, or `xmppAddr`. */
function isFor(certificate: X509Certificate, domain: string): boolean {
  const name = certificateName(domain);
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  if (certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined) return true;
  return xmppAddresses(certificate).includes(domain);
}

/** A domain as certificates and TLS have it: in ASCII, an IPv6 address without its brackets. */
export function certificateName(domain: string): string {
  return /^\[(.*)\]$/.exec(domain)?.[1] ?? domainToASCII(domain);
}

/** Names of the kind that XMPP has for itself (RFC 6120 §13.7.1.4). */
function xmppAddresses({ subjectAltName = '' }: X509Certificate): string[] {
  // Where quotes are needed somebody has put odd characters into a name, commas perhaps.
  if (subjectAltName.includes('"')) return [];
  return subjectAltName.split(', ').flatMap((name) => {
    const address = /^othername: ?XmppAddr:(.+)$/.exec(name)?.[1];
    return Jid.tryParse(address)?.toString() ?? [];
  });
}
