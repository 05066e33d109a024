import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { addressBytes } from '../../../net/ip-address.js';
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
} from './der.js';

export interface SelfSignedOptions {
  /** A private key on P-256. */
  readonly key: KeyObject;
  /** Domains in ASCII, and IP addresses. */
  readonly names: readonly string[];
  readonly from: Date;
  readonly until: Date;
  readonly randomBytes: (size: number) => Uint8Array;
}

const oids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** The longest common name (RFC 5280 appendix A.1). */
const maxCommonName = 64;
const serialBytes = 16;
const versionThree = Buffer.from([2]);
const digitalSignature = Buffer.from([0x80]);

/** A certificate (RFC 5280) for a server, signed by its own key, as PEM. */
export function selfSignedCertificate({ key, names, from, until, randomBytes }: SelfSignedOptions): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const name = distinguishedName(names[0] ?? '');
  const toBeSigned = sequence(
    explicit(0, integer(versionThree)),
    integer(randomBytes(serialBytes)),
    algorithm,
    name,
    sequence(time(from), time(until)),
    name,
    publicKey,
    explicit(3, extensions(names, publicKey)),
  );
  const signature = bitString(sign('sha256', toBeSigned, key));
  return pem(sequence(toBeSigned, algorithm, signature));
}

/** Issuer and subject are the same. Clients look at the alternative names; this one is for people. */
function distinguishedName(name: string): Uint8Array {
  const commonName = name.length <= maxCommonName ? name : 'Belfry';
  return sequence(setOf(sequence(oid(oids.commonName), utf8String(commonName))));
}

function extensions(names: readonly string[], publicKey: Uint8Array): Uint8Array {
  const keyId = createHash('sha1').update(publicKey).digest();
  return sequence(
    extension(oids.basicConstraints, sequence(), derTrue),
    extension(oids.keyUsage, bitString(digitalSignature, 7), derTrue),
    extension(oids.extendedKeyUsage, sequence(oid(oids.serverAuth))),
    extension(oids.subjectAltName, sequence(...names.map(generalName))),
    extension(oids.subjectKeyIdentifier, octetString(keyId)),
  );
}

function extension(id: string, value: Uint8Array, ...critical: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(id), ...critical, octetString(value));
}

/** `dNSName` or `iPAddress` of RFC 5280 §4.2.1.6. */
function generalName(name: string): Uint8Array {
  return isIP(name) === 0 ? implicit(2, Buffer.from(name, 'ascii')) : implicit(7, addressBytes(name));
}

function pem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
