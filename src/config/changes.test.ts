import { describe, expect, it } from 'vitest';
import { changesForRestart } from './changes.js';
import type { Config } from './config.js';
import { loadConfig } from './load.js';
import { aboutOf, settingNames, variableOf } from './schema.js';

/** Another value than that of `base` for each setting. */
const others: Readonly<Record<string, string>> = {
  data_dir: 'elsewhere',
  storage: 'postgres://h/d',
  'standalone.c2s': 'false',
  'standalone.c2s_direct_tls': '127.0.0.1:1',
  'standalone.require_encryption': 'false',
  'standalone.tls.cert': 'other.pem',
  'standalone.tls.key': 'other.pem',
  'standalone.registration': 'open',
  'standalone.rate_limit': '0',
  'standalone.max_connections_per_address': '1',
  'standalone.max_sessions_per_account': '1',
  'standalone.max_offline_messages': '0',
  'standalone.s2s': '127.0.0.1:1',
  'standalone.s2s_direct_tls': '127.0.0.1:2',
  'standalone.s2s_require_encryption': 'false',
  'standalone.s2s_secure_auth': 'true',
  'standalone.s2s_secure_domains': 'a.example',
  'standalone.s2s_insecure_domains': 'a.example',
  'standalone.s2s_allowed_domains': 'a.example',
  'standalone.s2s_blocked_domains': 'a.example',
  'standalone.s2s_ca': 'ca.pem',
  'standalone.s2s_connect': 'a.example=127.0.0.1:1',
  'standalone.s2s_allow_private_networks': 'true',
  'standalone.components.listen': '127.0.0.1:1',
  'standalone.components.secrets': 'a.example=other',
  'smacks.hibernation_time': '1 hour',
  'smacks.max_ack_delay': '1 minute',
  'smacks.max_queue_size': '10',
  'archive.default_policy': 'never',
  'archive.expires_after': 'never',
  'archive.max_query_results': '10',
  'cloud_notify.important_body': 'Look!',
  'cloud_notify.max_errors': '1',
  'cloud_notify.max_devices': '1',
  'cloud_notify.max_hibernation_timeout': '1 day',
  'cloud_notify.with_body': 'true',
  'cloud_notify.with_sender': 'true',
  'cloud_notify.collection_time': '0',
  'web_push.important_body': 'Look!',
  'web_push.max_devices': '1',
  'web_push.with_body': 'true',
  'web_push.with_sender': 'true',
  'web_push.ttl': '1 day',
  'web_push.contact': 'mailto:a@a.example',
  'web_push.allow_private_networks': 'true',
  'web_push.ca': 'ca.pem',
  'web_push.max_waiting': '10',
  'component.jid': 'up.example.org',
  'component.connect': '127.0.0.1:1',
  'component.secret': 'other',
  'http.listen': '127.0.0.1:1',
  'http.public_url': 'https://a.example',
  'http.trusted_proxies': '10.0.0.1',
  'http.demo': 'false',
  'unified_push.jid': 'x.example.org',
  'unified_push.acl': 'example.net',
  'unified_push.backend': 'storage',
  'unified_push.registration_ttl': '1 week',
  'unified_push.secret': `secret-token:paseto.v3.local:${'0'.repeat(64)}`,
  'unified_push.push_timeout': '1 minute',
  'unified_push.rate_limit': '1',
  'gateway.jid': 'gw.example.org',
  'gateway.acl': 'example.net',
  'gateway.max_devices': '1',
  'gateway.rate_limit': '0',
  'log.level': 'debug',
  'log.format': 'json',
};

const base = {
  BELFRY_HOST: 'component',
  BELFRY_COMPONENT_JID: 'push.example.org',
  BELFRY_COMPONENT_SECRET: 'x',
  BELFRY_HTTP_PUBLIC_URL: 'https://push.example.org',
  BELFRY_UNIFIED_PUSH_JID: 'push.example.org',
  BELFRY_UNIFIED_PUSH_ACL: 'example.org',
  BELFRY_GATEWAY_JID: 'push.example.org',
  BELFRY_WEB_PUSH_CONTACT: 'mailto:a@example.org',
};

const standaloneBase = {
  BELFRY_HOST: 'standalone',
  BELFRY_STANDALONE_TLS_CERT: 'cert.pem',
  BELFRY_STANDALONE_TLS_KEY: 'key.pem',
  BELFRY_STANDALONE_COMPONENTS_LISTEN: '127.0.0.1:5347',
  BELFRY_STANDALONE_COMPONENTS_SECRETS: 'a.example=secret',
};

function standaloneWith(env: Record<string, string>): Config {
  return loadConfig({ env: { ...standaloneBase, ...env }, cwd: '/nonexistent' });
}

function configWith(env: Record<string, string>): Config {
  return loadConfig({ env: { ...base, ...env }, cwd: '/nonexistent' });
}

describe('a changed configuration', () => {
  it.each(settingNames.filter((name) => name in others))('tells of %s if it needs a restart', (name) => {
    const load = /^(?:standalone|smacks|archive|cloud_notify|web_push|http\.demo)\b/.test(name)
      ? standaloneWith
      : configWith;
    const wanted = load({ [variableOf({ path: name })]: others[name] ?? '' });
    expect(changesForRestart(load({}), wanted)).toEqual(aboutOf(name).isReloadable === true ? [] : [name]);
  });

  it('tells of another host, and of the domain of a standalone one', () => {
    expect(changesForRestart(configWith({}), standaloneWith({}))).toContain('host');
    const acl = { BELFRY_UNIFIED_PUSH_ACL: 'example.org', BELFRY_UNIFIED_PUSH_JID: 'push.b.example' };
    const others = { BELFRY_WEB_PUSH_CONTACT: 'mailto:a@b.example', BELFRY_GATEWAY_JID: 'push.b.example' };
    const standalone = (domain: string) => standaloneWith({ BELFRY_DOMAIN: domain, ...acl, ...others });
    expect(changesForRestart(standalone('push.b.example'), standalone('b.example'))).toEqual(['domain']);
  });

  it('tells on a component, too, how push services are reached, and that there is a gateway', () => {
    const names = ['web_push.contact', 'web_push.allow_private_networks', 'web_push.ca'] as const;
    for (const name of names) {
      const wanted = configWith({ [variableOf({ path: name })]: others[name] ?? '' });
      expect(changesForRestart(configWith({}), wanted)).toEqual([name]);
    }
  });

  it('tells that there is no gateway any more, and with it goes its name', () => {
    const wanted = configWith({ BELFRY_GATEWAY_ENABLED: 'false' });
    expect(changesForRestart(configWith({}), wanted)).toEqual(['gateway.enabled', 'gateway.jid']);
  });

  it('tells nothing of what is the same', () => {
    expect(changesForRestart(configWith({}), configWith({}))).toEqual([]);
  });

  it('has a case above for every setting', () => {
    expect(settingNames.filter((name) => !(name in others))).toEqual(['host', 'domain', 'gateway.enabled']);
  });
});
