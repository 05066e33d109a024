import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import {
  bitString,
  derTrue,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from '../../src/hosts/standalone/tls/der.js';
import { addressBytes } from '../../src/net/ip-address.js';

/** A certificate that an authority has signed, and its key. */
export interface IssuedCertificate {
  /** PEM, with the certificates of the authorities between it and the root. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** What its holder could sign others with, as if it were an authority's. */
  readonly signer: Signer;
}

export interface CertificateWishes {
  /** Domains in ASCII, and IP addresses. */
  readonly names: readonly string[];
  /** Names of XMPP's own kind (RFC 6120 §13.7.1.4). */
  readonly xmppAddresses?: readonly string[];
  /** Unix time in milliseconds. */
  readonly from?: number;
  readonly until?: number;
  /** What it may be used as; by default a server alone, as public authorities have it. */
  readonly usage?: 'server' | 'both';
}

/** Who signs certificates. */
export interface Signer {
  readonly name: string;
  readonly key: KeyObject;
  /** PEM that goes with certificates that it signs. */
  readonly chain: string;
}

/** A certificate authority for tests. */
export interface Authority {
  /** PEM of its own certificate. */
  readonly cert: string;
  issue(wishes: CertificateWishes): IssuedCertificate;
  /** An authority below this one. */
  intermediate(name: string): Authority;
}

const day = 24 * 60 * 60 * 1000;
const ids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  xmppAddress: '1.3.6.1.5.5.7.8.5',
};

/** A new root, valid for some days. */
export function createAuthority(name = 'Test Authority'): Authority {
  const { privateKey: key, publicKey } = newKey();
  const signer = { name, key, chain: '' };
  return authorityOf(signer, certificate(signer, { subject: name, publicKey, isAuthority: true, names: [] }));
}

/** A certificate signed by `signer`, whether or not that is an authority. */
export function issueWith(signer: Signer, wishes: CertificateWishes): IssuedCertificate {
  const { privateKey: key, publicKey } = newKey();
  const [subject = ''] = wishes.names;
  const cert = certificate(signer, { ...wishes, subject, publicKey, isAuthority: false }) + signer.chain;
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert, key: pem, signer: { name: subject, key, chain: cert } };
}

function authorityOf(signer: Signer, cert: string): Authority {
  return {
    cert,
    issue: (wishes) => issueWith(signer, wishes),
    intermediate(name) {
      const { privateKey: key, publicKey } = newKey();
      const own = certificate(signer, { subject: name, publicKey, isAuthority: true, names: [] });
      return authorityOf({ name, key, chain: own + signer.chain }, own);
    },
  };
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

interface Subject extends CertificateWishes {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly isAuthority: boolean;
}

function certificate(signer: Signer, subject: Subject): string {
  const { from = Date.now() - day, until = Date.now() + 2 * day } = subject;
  const algorithm = sequence(oid(ids.ecdsaWithSha256));
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    distinguishedName(signer.name),
    sequence(time(new Date(from)), time(new Date(until))),
    distinguishedName(subject.subject),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, extensions(subject)),
  );
  const signature = bitString(sign('sha256', toBeSigned, signer.key));
  return pemOf(sequence(toBeSigned, algorithm, signature));
}

const distinguishedName = (name: string) =>
  sequence(setOf(sequence(oid(ids.commonName), utf8String(name.slice(0, 64)))));

function extensions({
  isAuthority,
  names,
  xmppAddresses = [],
  usage = 'server',
  publicKey,
}: Subject): Uint8Array {
  const keyId = createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
  const common = [
    extension(ids.basicConstraints, isAuthority ? sequence(derTrue) : sequence(), derTrue),
    extension(ids.subjectKeyIdentifier, octetString(keyId)),
  ];
  if (isAuthority) {
    const signsCertificates = bitString(Buffer.from([0x06]), 1);
    return sequence(...common, extension(ids.keyUsage, signsCertificates, derTrue));
  }
  const usages = [oid(ids.serverAuth), ...(usage === 'both' ? [oid(ids.clientAuth)] : [])];
  return sequence(
    ...common,
    extension(ids.keyUsage, bitString(Buffer.from([0x80]), 7), derTrue),
    extension(ids.extendedKeyUsage, sequence(...usages)),
    extension(ids.subjectAltName, sequence(...names.map(generalName), ...xmppAddresses.map(otherName))),
  );
}

const extension = (id: string, value: Uint8Array, ...critical: readonly Uint8Array[]) =>
  sequence(oid(id), ...critical, octetString(value));

const generalName = (name: string) =>
  isIP(name) === 0 ? implicit(2, Buffer.from(name, 'ascii')) : implicit(7, addressBytes(name));

/** `otherName` of RFC 5280 §4.2.1.6. */
const otherName = (address: string) =>
  explicit(0, Buffer.concat([oid(ids.xmppAddress), explicit(0, utf8String(address))]));

function pemOf(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}
