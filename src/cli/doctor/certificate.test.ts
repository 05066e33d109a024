import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hasOpenssl, makeCertificate } from '../../../tests/harness/certificate.js';
import { describeWithPeers } from '../../../tests/harness/peer.js';
import type { StandaloneConfig } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { checkCertificate } from './certificate.js';

const day = 24 * 60 * 60 * 1000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belfry-certificate-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function hostOf(env: Record<string, string>): StandaloneConfig {
  const { host } = loadConfig({ cwd: folder, env });
  if (host.kind !== 'standalone') throw new Error('this is a component');
  return host;
}

function check(domain: string, tls: { cert: string; key: string } | undefined, now = Date.now()) {
  const files =
    tls === undefined ? {} : { BELFRY_STANDALONE_TLS_CERT: tls.cert, BELFRY_STANDALONE_TLS_KEY: tls.key };
  return checkCertificate(hostOf({ BELFRY_DOMAIN: domain, ...files }), { dataDir: folder }, now);
}

it.each([
  ['localhost', 'ok'],
  ['example.org', 'warning'],
])('that Belfry makes for %s is %s, and is not made by the doctor', async (domain, status) => {
  expect(await check(domain, undefined)).toMatchObject([{ status }]);
});

describeWithPeers('a certificate', { openssl: hasOpenssl }, () => {
  it('is judged by its names, its time and its key', async () => {
    const files = await makeCertificate(folder, 'example.org');
    const later = Date.now() + 40 * day;
    expect(await check('example.org', files)).toMatchObject([
      { status: 'warning', text: expect.stringContaining('ends in 1 days') },
    ]);
    expect(await check('example.org', files, later)).toMatchObject([
      { status: 'failed', text: expect.stringContaining('has ended') },
    ]);
    expect(await check('example.net', files, Date.now() - 20 * day)).toContainEqual(
      expect.objectContaining({ status: 'failed', text: expect.stringContaining('not for example.net') }),
    );
  });

  it('that cannot be read is told with what helps', async () => {
    const files = await makeCertificate(folder, 'example.org');
    expect(await check('example.org', { ...files, cert: join(folder, 'absent.pem') })).toMatchObject([
      {
        status: 'failed',
        text: expect.stringContaining('absent.pem'),
        remedy: expect.stringContaining('tls.cert'),
      },
    ]);
    writeFileSync(files.key, 'no key');
    chmodSync(files.key, 0o600);
    expect(await check('example.org', files)).toMatchObject([
      { status: 'failed', remedy: expect.stringMatching(/PEM/) },
    ]);
  });
});
