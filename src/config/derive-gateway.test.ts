import { describe, expect, it } from 'vitest';
import { componentYaml, configFolder } from '../../tests/harness/config-folder.js';
import type { Config } from './config.js';

const { load } = configFolder();

const gatewayOf = (yaml: string) => shown(load({ yaml }).gateway);

function shown(gateway: Config['gateway']) {
  return gateway && { ...gateway, jid: String(gateway.jid), acl: gateway.acl.map(String) };
}

/** What the keys beside its name are if nobody says anything. */
const usual = { maxDevices: 10, rateLimit: 60 };

describe('the gateway', () => {
  it('has a name below the domain of a standalone host, and its users', () => {
    const acl = ['example.org'];
    expect(gatewayOf('domain: example.org')).toEqual({ jid: 'push.example.org', acl, ...usual });
  });

  it('has the name of a component, and the users of its push service', () => {
    const acl = ['example.org'];
    expect(gatewayOf(componentYaml)).toEqual({ jid: 'push.example.org', acl, ...usual });
    const others = `${componentYaml}unified_push: { jid: up.example.net, acl: [ana@example.net] }`;
    expect(gatewayOf(others)).toMatchObject({ jid: 'push.example.org', acl: ['ana@example.net'] });
  });

  it('has what is written', () => {
    const yaml = 'gateway: { jid: gw.example.org, acl: [example.net], max_devices: 3, rate_limit: 0 }';
    const written = { jid: 'gw.example.org', acl: ['example.net'], maxDevices: 3, rateLimit: 0 };
    expect(gatewayOf(`domain: example.org\n${yaml}`)).toEqual(written);
    expect(gatewayOf(`${componentYaml}${yaml}`)).toEqual(written);
    expect(gatewayOf('domain: example.org\ngateway: { jid: example.org, acl: [] }')).toMatchObject({
      jid: 'example.org',
      acl: [],
    });
  });

  it('may share its name with the push service', () => {
    const yaml = 'domain: example.org\nunified_push: { jid: push.example.org }';
    expect(gatewayOf(yaml)).toMatchObject({ jid: 'push.example.org' });
  });

  it.each([
    ['it is switched off', 'domain: example.org\ngateway: { enabled: false, max_devices: 3 }'],
    ['it is switched off on a component', `${componentYaml}gateway: { enabled: false }`],
    ['the domain is an address', 'domain: 192.0.2.1'],
    ['the domain is an address of IPv6', 'domain: "[::1]"'],
    ['nothing fits below the domain', `domain: ${Array(16).fill('a'.repeat(63)).join('.')}`],
    [
      'a component has its name',
      'domain: example.org\nstandalone: { components: { listen: "127.0.0.1:1", secrets: { push.example.org: x } } }',
    ],
  ])('is not there if %s', (_why, yaml) => {
    expect(gatewayOf(yaml)).toBeUndefined();
  });
});

describe('a component', () => {
  it('may say how push services are reached', () => {
    const yaml =
      'web_push: { contact: "mailto:a@example.org", allow_private_networks: true, ca: ca.pem, ttl: 1 day, max_waiting: 7 }';
    expect(load({ yaml: `${componentYaml}${yaml}` }).webPush).toEqual({
      contact: 'mailto:a@example.org',
      allowPrivateNetworks: true,
      ca: expect.stringMatching(/ca\.pem$/),
      ttl: 86_400,
      maxWaiting: 7,
    });
  });
});
