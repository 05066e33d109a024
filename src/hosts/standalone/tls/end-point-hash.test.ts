import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeWithPeers, findExecutable } from '../../../../tests/harness/peer.js';
import { bitString, explicit, integer, octetString, oid, sequence } from './der.js';
import { endPointHash } from './end-point-hash.js';

/** As much of a certificate as the hash depends on. */
function certificateSignedWith(algorithm: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  const toBeSigned = sequence(octetString(new Uint8Array(700)));
  return sequence(toBeSigned, sequence(oid(algorithm), ...parameters), bitString(new Uint8Array(64)));
}

const nothing = Buffer.from([5, 0]);
const pss = '1.2.840.113549.1.1.10';
const pssWith = (hash: string) =>
  certificateSignedWith(
    pss,
    sequence(explicit(0, sequence(oid(hash), nothing)), explicit(2, integer(Buffer.from([32])))),
  );

describe('endPointHash', () => {
  it.each([
    ['RSA with MD5', 'sha256', certificateSignedWith('1.2.840.113549.1.1.4', nothing)],
    ['RSA with SHA-1', 'sha256', certificateSignedWith('1.2.840.113549.1.1.5', nothing)],
    ['RSA with SHA-256', 'sha256', certificateSignedWith('1.2.840.113549.1.1.11', nothing)],
    ['RSA with SHA-384', 'sha384', certificateSignedWith('1.2.840.113549.1.1.12', nothing)],
    ['RSA with SHA-512', 'sha512', certificateSignedWith('1.2.840.113549.1.1.13', nothing)],
    ['RSA with SHA-224', 'sha224', certificateSignedWith('1.2.840.113549.1.1.14', nothing)],
    ['ECDSA with SHA-1', 'sha256', certificateSignedWith('1.2.840.10045.4.1')],
    ['ECDSA with SHA-224', 'sha224', certificateSignedWith('1.2.840.10045.4.3.1')],
    ['ECDSA with SHA-256', 'sha256', certificateSignedWith('1.2.840.10045.4.3.2')],
    ['ECDSA with SHA-384', 'sha384', certificateSignedWith('1.2.840.10045.4.3.3')],
    ['ECDSA with SHA-512', 'sha512', certificateSignedWith('1.2.840.10045.4.3.4')],
    ['RSASSA-PSS without parameters, which is SHA-1', 'sha256', certificateSignedWith(pss, sequence())],
    ['RSASSA-PSS with SHA-256', 'sha256', pssWith('2.16.840.1.101.3.4.2.1')],
    ['RSASSA-PSS with SHA-384', 'sha384', pssWith('2.16.840.1.101.3.4.2.2')],
    ['RSASSA-PSS with SHA-512', 'sha512', pssWith('2.16.840.1.101.3.4.2.3')],
    ['RSASSA-PSS with SHA-224', 'sha224', pssWith('2.16.840.1.101.3.4.2.4')],
  ])('of a certificate with %s is %s', (_what, hash, certificate) => {
    expect(endPointHash(certificate)).toEqual(createHash(hash).update(certificate).digest());
  });

  it.each([
    ['Ed25519', certificateSignedWith('1.3.101.112')],
    ['RSASSA-PSS with a hash that nobody knows', pssWith('2.16.840.1.101.3.4.2.99')],
  ])('of a certificate with %s is not defined', (_what, certificate) => {
    expect(endPointHash(certificate)).toBeUndefined();
  });
});

const openssl = findExecutable('openssl');

describeWithPeers('endPointHash of certificates of OpenSSL', { openssl: openssl !== undefined }, () => {
  it.each([
    ['rsa:2048', ['-sha384'], 'sha384'],
    ['rsa:2048', ['-sha512', '-sigopt', 'rsa_padding_mode:pss'], 'sha512'],
    ['ed25519', [], undefined],
  ])('%s %j', (kind, options, hash) => {
    const request = ['req', '-x509', '-newkey', kind, '-nodes', '-keyout', '-', '-subj', '/CN=example.org'];
    const pem = execFileSync(openssl ?? '', [...request, ...options], { encoding: 'utf8', stdio: 'pipe' });
    const { raw } = new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE-----')));
    expect(endPointHash(raw)).toEqual(hash && createHash(hash).update(raw).digest());
  });
});
