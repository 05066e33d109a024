import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../tests/harness/net.js';
import { describeWithPeers, findExecutable } from '../../../tests/harness/peer.js';
import { checkTls, readCertificate } from './tls.js';

const day = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const url = 'https://push.example.org';

describe('the certificate', () => {
  const check = (days: number, problem?: string) =>
    checkTls(url, now, async () => ({
      validTo: now + days * day,
      ...(problem === undefined ? {} : { problem }),
    }));

  it('is fine for two weeks before its end', async () => {
    expect(await check(60)).toMatchObject({
      status: 'ok',
      text: 'the certificate of push.example.org is valid for 60 more days',
    });
    expect(await check(14)).toMatchObject({ status: 'ok' });
  });

  it('deserves a warning after that', async () => {
    expect(await check(13.9)).toMatchObject({
      status: 'warning',
      text: 'the certificate of push.example.org ends in 13 days',
    });
  });

  it.each([
    ['CERT_HAS_EXPIRED', /^Renew it/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /fullchain/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /another name/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /authority that app servers know/],
  ])('fails with %s', async (problem, remedy) => {
    const finding = await check(60, problem);
    expect(finding).toMatchObject({ status: 'failed', remedy: expect.stringMatching(remedy) });
    expect(finding.text).toContain(problem);
  });

  it('fails if there is none', async () => {
    const finding = await checkTls(url, now, async () => ({ error: new Error('wrong version number') }));
    expect(finding).toMatchObject({ status: 'failed' });
    expect(finding.text).toMatch(/gives no certificate: wrong version number$/);
  });

  it('is not blamed where nobody was reached', async () => {
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND push.example.org'), { code: 'ENOTFOUND' });
    expect(await checkTls(url, now, async () => ({ error }))).toMatchObject({
      status: 'failed',
      text: 'push.example.org cannot be reached (ENOTFOUND)',
      remedy: expect.stringMatching(/^The name has no address/),
    });
  });
});

describe('a public URL without TLS', () => {
  it.each(['http://localhost:5280', 'http://127.0.0.2', 'http://[::1]:5280', 'http://push.example.org'])(
    'is a warning: %s',
    async (text) => {
      expect(await checkTls(text, now)).toMatchObject({ status: 'warning' });
    },
  );

  it('is told apart by whether others can reach it', async () => {
    const texts = ['http://localhost', 'http://localhost.example.org'].map(
      async (text) => (await checkTls(text, now)).text,
    );
    expect(await Promise.all(texts)).toEqual([
      expect.stringMatching(/this machine alone/),
      expect.stringMatching(/read on the way/),
    ]);
  });
});

const openssl = findExecutable('openssl');

describeWithPeers('a real server', { openssl: openssl !== undefined }, () => {
  let folder: string;
  let server: Server;
  let port: number;
  let certificate: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'belfry-tls-'));
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
    execFileSync(
      openssl ?? '',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', key ?? '', '-out', cert ?? ''],
      ],
      { stdio: 'ignore' },
    );
    certificate = readFileSync(cert ?? '', 'utf8');
    server = createServer({ key: readFileSync(key ?? ''), cert: certificate });
    port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server?.close().closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  it('with a certificate that nobody knows fails', async () => {
    const finding = await checkTls(`https://localhost:${port}`, Date.now());
    expect(finding).toMatchObject({ status: 'failed' });
    expect(finding.text).toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT/);
  });

  it('is fine where its authority is known', async () => {
    const read = (url: URL) => readCertificate(url, certificate);
    const at = `https://localhost:${port}`;
    expect(await checkTls(at, Date.now(), read)).toMatchObject({ status: 'ok' });
    expect(await checkTls(at, Date.now() + 20 * day, read)).toMatchObject({ status: 'warning' });
  });

  it('with a certificate for another name fails', async () => {
    const result = await readCertificate(new URL(`https://127.0.0.1:${port}`), certificate);
    expect(result).toMatchObject({ problem: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('that does not speak TLS, or is not there, gives an error', async () => {
    const at = new URL(`https://127.0.0.1:${await freePort()}`);
    expect(await readCertificate(at)).toHaveProperty('error');
  });
});
