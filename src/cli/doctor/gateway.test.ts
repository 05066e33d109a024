import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasOpenssl, makeCertificate } from '../../../tests/harness/certificate.js';
import { describeWithPeers } from '../../../tests/harness/peer.js';
import { loadConfig } from '../../config/load.js';
import { checkGateway, type LookUp } from './gateway.js';

const found: LookUp = async () => true;
const component = {
  BELFRY_HOST: 'component',
  BELFRY_COMPONENT_JID: 'push.example.org',
  BELFRY_COMPONENT_SECRET: 'x',
};
const open = { BELFRY_DOMAIN: 'example.org', BELFRY_GATEWAY_ACL: 'example.org, ana@example.net' };

function check(env: Record<string, string>, lookUp = found) {
  return checkGateway(loadConfig({ cwd: '/nonexistent', env }), lookUp);
}

const ok = (acl: string, jid = 'push.example.org') => ({
  status: 'ok',
  what: 'gateway',
  text: `browsers of ${acl} may register at ${jid}`,
});

describe('the gateway', () => {
  it('is fine on a component, and with users of the own domain wherever it is', async () => {
    const nowhere: LookUp = async () => false;
    expect(await check(component, nowhere)).toEqual([ok('example.org')]);
    expect(await check({ ...component, BELFRY_GATEWAY_ACL: 'example.net' }, nowhere)).toEqual([
      ok('example.net'),
    ]);
    expect(await check({ BELFRY_DOMAIN: 'example.org' }, nowhere)).toEqual([ok('example.org')]);
  });

  it('is nothing to talk about if there is none', async () => {
    expect(await check({ ...component, BELFRY_GATEWAY_ENABLED: 'false' })).toEqual([]);
  });

  it('is missed where a component has its name', async () => {
    const components = {
      BELFRY_DOMAIN: 'example.org',
      BELFRY_STANDALONE_COMPONENTS_LISTEN: '127.0.0.1:5347',
      BELFRY_STANDALONE_COMPONENTS_SECRETS: 'push.example.org=change-me',
    };
    expect(await check(components)).toMatchObject([
      {
        status: 'ok',
        text: expect.stringMatching(/there is none.*push\.example\.org/),
        remedy: expect.stringContaining('gateway.jid'),
      },
    ]);
    const elsewhere = await check({ ...components, BELFRY_GATEWAY_JID: 'web.example.org' });
    expect(elsewhere).toEqual([ok('example.org', 'web.example.org')]);
  });

  it('does not serve those of the list of the push service who are a device of an account alone', async () => {
    const acl = (list: string) => ({ ...component, BELFRY_UNIFIED_PUSH_ACL: list });
    expect(await check(acl('ana@example.org/phone, example.net'))).toEqual([ok('example.net')]);
    expect(await check(acl('ana@example.org/phone'))).toMatchObject([
      { status: 'warning', text: 'nobody may register at push.example.org' },
    ]);
  });

  it('is of no use to nobody', async () => {
    const { gateway, host } = loadConfig({ cwd: '/nonexistent', env: component });
    if (gateway === undefined) throw new Error('there is none');
    expect(await checkGateway({ gateway: { ...gateway, acl: [] }, host }, found)).toMatchObject([
      { status: 'warning', text: 'nobody may register at push.example.org' },
    ]);
  });

  it('has to be found by other servers', async () => {
    const asked: string[] = [];
    const lookUp: LookUp = async (domain) => asked.push(domain) > 1;
    expect(await check(open, lookUp)).toEqual([
      ok('example.org, ana@example.net'),
      {
        status: 'warning',
        what: 'gateway',
        text: 'DNS knows no push.example.org, so that other servers do not find it',
        remedy: expect.stringContaining('_xmpp-server._tcp.push.example.org.'),
      },
    ]);
    expect(await check(open, lookUp)).toEqual([ok('example.org, ana@example.net')]);
    expect(asked).toEqual(['push.example.org', 'push.example.org']);
  });

  it('cannot be found at a name of this machine, and is not looked for', async () => {
    const never: LookUp = () => Promise.reject(new Error('asked'));
    const acl = { BELFRY_GATEWAY_ACL: 'example.net' };
    expect(await check(acl, never)).toEqual([ok('example.net', 'push.localhost')]);
    const own = { ...open, BELFRY_GATEWAY_JID: 'example.org' };
    expect(await check(own, never)).toEqual([ok('example.org, ana@example.net', 'example.org')]);
  });

  it('hears nothing of other servers without federation', async () => {
    expect(await check({ ...open, BELFRY_STANDALONE_S2S: 'false' })).toMatchObject([
      { status: 'ok' },
      { status: 'warning', text: expect.stringMatching(/nothing is published from example\.net$/) },
    ]);
  });
});

describeWithPeers('the certificate of the gateway', { openssl: hasOpenssl }, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'belfry-gateway-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    ['example.org', false],
    ['push.example.org', true],
    ['*.example.org', true],
  ])('for %s covers it: %s', async (name, isCovered) => {
    const { cert, key } = await makeCertificate(folder, name);
    const files = { BELFRY_STANDALONE_TLS_CERT: cert, BELFRY_STANDALONE_TLS_KEY: key };
    const doubts = (await check({ ...open, ...files })).slice(1);
    const doubt = { status: 'warning', text: expect.stringMatching(/not for push\.example\.org/) };
    expect(doubts).toMatchObject(isCovered ? [] : [doubt]);
    // Its own users need no certificate, nor does one that cannot be read need two words.
    expect(await check({ ...open, ...files, BELFRY_GATEWAY_ACL: 'example.org' })).toHaveLength(1);
    expect(await check({ ...open, ...files, BELFRY_STANDALONE_TLS_CERT: key })).toHaveLength(1);
  });
});
