import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { checkFederation } from './federation.js';

const fine = {
  BELFRY_DOMAIN: 'example.org',
  BELFRY_STANDALONE_S2S: '0.0.0.0:5269',
  BELFRY_STANDALONE_TLS_CERT: 'cert.pem',
  BELFRY_STANDALONE_TLS_KEY: 'key.pem',
};

function check(env: Record<string, string>) {
  const { host } = loadConfig({ cwd: '/nonexistent', env: { ...fine, ...env } });
  if (host.kind !== 'standalone') throw new Error('this is a component');
  return checkFederation(host);
}

describe('federation', () => {
  it('is fine if others can reach it, and may trust it', async () => {
    expect(await check({})).toMatchObject([{ status: 'ok', text: expect.stringContaining('0.0.0.0:5269') }]);
  });

  it.each([
    ['if it is off', { BELFRY_STANDALONE_S2S: 'false' }],
    ['of a domain that every machine has', { BELFRY_DOMAIN: 'localhost', BELFRY_STANDALONE_TLS_CERT: '' }],
  ])('is not spoken of %s', async (_when, env) => {
    expect(await check({ BELFRY_STANDALONE_TLS_KEY: '', BELFRY_STANDALONE_TLS_CERT: '', ...env })).toEqual(
      [],
    );
  });

  it.each<[string, Record<string, string>, RegExp, RegExp]>([
    [
      'nobody reaches it',
      { BELFRY_STANDALONE_S2S: '127.0.0.1:5269' },
      /127\.0\.0\.1:5269, which no other/,
      /s2s: false/,
    ],
    [
      'its port is not the usual one',
      { BELFRY_STANDALONE_S2S: '[::]:5555' },
      /look for port 5269/,
      /_xmpp-server\._tcp\.example\.org\. 3600 IN SRV 0 0 5555 /,
    ],
    [
      'its certificate is its own',
      { BELFRY_STANDALONE_TLS_CERT: '', BELFRY_STANDALONE_TLS_KEY: '' },
      /certificate of an authority/,
      /tls\.cert/,
    ],
    [
      'it may talk with nobody',
      { BELFRY_STANDALONE_S2S_BLOCKED_DOMAINS: 'a.example', BELFRY_STANDALONE_S2S_ALLOWED_DOMAINS: ',' },
      /no server may talk/,
      /remove it/,
    ],
    [
      'it may be overheard',
      { BELFRY_STANDALONE_S2S_REQUIRE_ENCRYPTION: 'false' },
      /in clear/,
      /Set it to true/,
    ],
  ])('is doubtful if %s', async (_why, env, text, remedy) => {
    expect(await check(env)).toEqual([
      {
        status: 'warning',
        what: 'federation',
        text: expect.stringMatching(text),
        remedy: expect.stringMatching(remedy),
      },
    ]);
  });

  it('fails if the authorities cannot be read, whatever the domain', async () => {
    const env = { BELFRY_DOMAIN: 'localhost', BELFRY_STANDALONE_S2S_CA: '/nonexistent/ca.pem' };
    expect(await check(env)).toEqual([
      {
        status: 'failed',
        what: 'federation',
        text: expect.stringMatching(/^\/nonexistent\/ca\.pem cannot be read: .*[^.]$/),
        remedy: expect.stringContaining('standalone.s2s_ca'),
      },
    ]);
  });
});
