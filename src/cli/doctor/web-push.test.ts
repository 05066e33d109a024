import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { checkWebPush } from './web-push.js';

function check(env: Record<string, string>) {
  return checkWebPush(loadConfig({ cwd: '/nonexistent', env: { BELFRY_DOMAIN: 'example.org', ...env } }));
}

describe('web push', () => {
  it.each([
    ['mailto:postmaster@example.org', {}],
    ['https://push.example.org', { BELFRY_HTTP_PUBLIC_URL: 'https://push.example.org' }],
    ['mailto:ana@example.net', { BELFRY_WEB_PUSH_CONTACT: 'mailto:ana@example.net' }],
  ])('is fine with %s as contact', async (contact, env) => {
    expect(await check(env)).toEqual([
      { status: 'ok', what: 'web push', text: `push services are told to turn to ${contact}` },
    ]);
  });

  it.each<[string, Record<string, string>]>([
    ['a domain that every machine has', { BELFRY_DOMAIN: 'localhost' }],
    ['a mailbox on this machine', { BELFRY_WEB_PUSH_CONTACT: 'MAILTO:ana@LocalHost' }],
    ['a page on this machine', { BELFRY_WEB_PUSH_CONTACT: 'https://a.localhost/contact' }],
    ['an address of this machine', { BELFRY_WEB_PUSH_CONTACT: 'https://[::1]/' }],
  ])('is to be looked at with %s as contact', async (_what, env) => {
    expect(await check(env)).toMatchObject([
      {
        status: 'warning',
        text: expect.stringMatching(/leads nowhere from outside/),
        remedy: expect.any(String),
      },
    ]);
  });

  it('is to be looked at where requests into private networks are allowed', async () => {
    expect(await check({ BELFRY_WEB_PUSH_ALLOW_PRIVATE_NETWORKS: 'true' })).toMatchObject([
      { status: 'ok' },
      { status: 'warning', text: expect.stringMatching(/allow_private_networks is true/) },
    ]);
  });

  it('fails without the authorities that it is to trust', async () => {
    expect(await check({ BELFRY_WEB_PUSH_CA: 'ca.pem' })).toMatchObject([
      {
        status: 'failed',
        text: expect.stringMatching(/ca\.pem cannot be read/),
        remedy: expect.stringMatching(/Check web_push\.ca/),
      },
      { status: 'ok' },
    ]);
  });
});
