import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeWithPeers, findExecutable } from '../../../../tests/harness/peer.js';
import { selfSignedCertificate } from './self-signed.js';

const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
const from = new Date('2026-01-01T00:00:00Z');
const until = new Date('2126-01-01T00:00:00Z');
const make = (...names: readonly string[]) => selfSignedCertificate({ key, names, from, until, randomBytes });

/** What a client that trusts the certificate says of a server that has it. */
async function handshake(
  cert: string,
  servername: string,
): Promise<{ authorized: boolean; reason: unknown }> {
  const server = createServer({ cert, key: keyPem }, (socket) => socket.end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      const client = connect({ host: '127.0.0.1', port, servername, ca: cert, rejectUnauthorized: false });
      client.once('secureConnect', () => resolve(client));
      client.once('error', reject);
    });
    const result = { authorized: socket.authorized, reason: socket.authorizationError };
    socket.destroy();
    return result;
  } finally {
    await new Promise((done) => server.close(done));
  }
}

describe('selfSignedCertificate', () => {
  it('says whose it is, for what and for how long', () => {
    const x509 = new X509Certificate(make('localhost', '127.0.0.1', '::1'));
    expect(x509.subject).toBe('CN=localhost');
    expect(x509.issuer).toBe('CN=localhost');
    expect(x509.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    expect(new Date(x509.validFrom)).toEqual(from);
    expect(new Date(x509.validTo)).toEqual(until);
    expect(x509.ca).toBe(false);
    expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(x509.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(x509.checkHost('example.org')).toBeUndefined();
  });

  it('is signed by its key', () => {
    const x509 = new X509Certificate(make('example.org'));
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect(x509.checkPrivateKey(key)).toBe(true);
  });

  it('has another serial number each time', () => {
    const serials = [make('a.example'), make('a.example')].map(
      (pem) => new X509Certificate(pem).serialNumber,
    );
    expect(serials[0]).not.toBe(serials[1]);
  });

  it('names no more than a common name holds, and the domain all the same', () => {
    const domain = `${'a'.repeat(60)}.example.org`;
    const x509 = new X509Certificate(make(domain));
    expect(x509.subject).toBe('CN=Belfry');
    expect(x509.checkHost(domain)).toBe(domain);
  });

  it('can be read with any serial number and any names', () => {
    const label = fc.stringMatching(/^[a-z]{1,20}$/);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.array(fc.oneof(label, fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 40 }),
        (serial, names) => {
          const x509 = new X509Certificate(
            selfSignedCertificate({ key, names, from, until, randomBytes: () => serial }),
          );
          expect(x509.verify(x509.publicKey)).toBe(true);
          expect(BigInt(`0x${x509.serialNumber}`)).toBe(BigInt(`0x${Buffer.from(serial).toString('hex')}`));
          expect(x509.subjectAltName?.split(', ')).toHaveLength(names.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('makes a handshake that a client who trusts it accepts, for its own names', async () => {
    const cert = make('chat.example', '127.0.0.1');
    expect(await handshake(cert, 'chat.example')).toMatchObject({ authorized: true });
    const elsewhere = await handshake(cert, 'other.example');
    expect(elsewhere.authorized).toBe(false);
    expect(String(elsewhere.reason)).toContain('ALTNAME');
  });
});

const openssl = findExecutable('openssl');

describeWithPeers('selfSignedCertificate', { openssl: openssl !== undefined }, () => {
  const run = (...args: readonly string[]) => execFileSync(openssl ?? '', args, { encoding: 'utf8' });

  it('is good for OpenSSL, read strictly', () => {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-tls-'));
    try {
      const file = join(folder, 'tls.crt');
      writeFileSync(file, make('chat.example'));
      const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'chat.example'];
      expect(run(...verify, '-CAfile', file, file)).toContain(': OK');
      expect(run('x509', '-in', file, '-noout', '-text')).toContain('Digital Signature');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
