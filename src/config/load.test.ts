import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { componentYaml, configFolder, type Source } from '../../tests/harness/config-folder.js';
import type { Config } from './config.js';
import { loadConfig } from './load.js';

const folder = configFolder();
const { load, mistakes } = folder;

describe('the defaults', () => {
  it.each([
    ['no file', undefined],
    ['an empty file', ''],
    ['a file of comments', '# nothing\n---\n'],
    ['empty sections', 'http:\n  # listen: x\nlog:\n'],
  ])('count with %s', (_what, yaml) => {
    const config = load(yaml === undefined ? {} : { yaml });
    expect(config.host).toMatchObject({
      kind: 'standalone',
      c2s: { host: '127.0.0.1', port: 5222 },
      c2sDirectTls: { host: '127.0.0.1', port: 5223 },
      requireEncryption: true,
      registration: 'closed',
      rateLimit: 1_000_000,
      maxConnectionsPerAddress: 100,
      maxSessionsPerAccount: 20,
      maxOfflineMessages: 1_000,
      s2s: {
        listen: { host: '127.0.0.1', port: 5269 },
        listenDirectTls: { host: '127.0.0.1', port: 5270 },
        requireEncryption: true,
        secureAuth: false,
        secureDomains: [],
        insecureDomains: [],
        blockedDomains: [],
        connect: new Map(),
        allowPrivateNetworks: false,
      },
      smacks: { hibernationTime: 600, maxAckDelay: 30, maxQueueSize: 500 },
      archive: { defaultPolicy: 'always', expiresAfter: 30 * 86_400, maxQueryResults: 50 },
      cloudNotify: {
        importantBody: 'New Message!',
        maxErrors: 16,
        maxDevices: 5,
        maxHibernationTimeout: 259_200,
        withBody: false,
        withSender: false,
        collectionTime: 1_000,
      },
      webPush: { importantBody: 'New Message!', maxDevices: 5, withBody: false, withSender: false },
    });
    expect(config.webPush).toEqual({
      contact: 'mailto:postmaster@localhost',
      allowPrivateNetworks: false,
      ca: undefined,
      ttl: 3 * 86_400,
      maxWaiting: 100_000,
    });
    expect(config.host).toHaveProperty('s2s.allowedDomains', undefined);
    expect(config.host).toHaveProperty('s2s.ca', undefined);
    expect(config.host).toHaveProperty('components', undefined);
    expect(config.host).toHaveProperty('tls', undefined);
    expect(config.storage).toEqual({
      kind: 'sqlite',
      file: join(folder.path, 'belfry-data', 'belfry.sqlite'),
    });
    expect(config.http.listen).toEqual({ host: '127.0.0.1', port: 5280 });
    expect(config.http.publicUrl).toBe('http://localhost:5280');
    expect(config.http.trustedProxies).toEqual(['127.0.0.1', '::1']);
    expect(config.unifiedPush).toMatchObject({
      backend: 'paseto',
      registrationTtl: 86_400,
      pushTimeout: 30,
      rateLimit: 600,
    });
    expect(config.unifiedPush.acl.map(String)).toEqual(['localhost']);
    expect(config.log).toEqual({ level: 'info', format: 'auto' });
  });

  it('of a component follow from its JID', () => {
    const { host, unifiedPush } = load({ yaml: componentYaml });
    expect(host).toMatchObject({
      kind: 'component',
      connect: { host: '127.0.0.1', port: 5347 },
      secret: 'correct horse',
    });
    expect(String(unifiedPush.jid)).toBe('push.example.org');
    expect(unifiedPush.acl.map(String)).toEqual(['example.org']);
    expect(unifiedPush).not.toHaveProperty('secret');
  });

  it('of the list of who may register is the domain above the push JID', () => {
    const acl = (yaml: string) => load({ yaml }).unifiedPush.acl.map(String);
    expect(acl(`${componentYaml}unified_push: { jid: up.example.net }`)).toEqual(['example.net']);
    expect(acl('domain: example.net')).toEqual(['example.net']);
    expect(acl('domain: example.net\nunified_push: { jid: push.example.net }')).toEqual(['example.net']);
    expect(acl(`${componentYaml}unified_push: { acl: [] }`)).toEqual([]);
  });

  it.each([
    ['http: { public_url: https://push.example.org/up }', 'https://push.example.org/up', false],
    ['http: { public_url: http://push.example.org }', 'mailto:postmaster@localhost', false],
    ['domain: bücher.example', 'mailto:postmaster@xn--bcher-kva.example', true],
    ['http: { public_url: https://localhost/up }', 'mailto:postmaster@localhost', true],
    ['http: { public_url: "https://[::1]" }', 'mailto:postmaster@localhost', true],
    ['http: { public_url: https://127.0.0.2 }', 'mailto:postmaster@localhost', true],
    ['http: { public_url: https://a.localhost. }', 'mailto:postmaster@localhost', true],
    ['http: { public_url: https://localhost.example }', 'https://localhost.example', false],
    [componentYaml, 'mailto:postmaster@push.example.org', false],
  ])('of contact and demo follow from where the outside reaches Belfry: %s', (yaml, contact, demo) => {
    const config = load({ yaml });
    expect(config.webPush.contact).toBe(contact);
    expect(config.http.demo).toBe(demo);
  });

  it('of the public URL has the port of http.listen', () => {
    expect(load({ yaml: 'http: { listen: "0.0.0.0:8080" }' }).http.publicUrl).toBe('http://localhost:8080');
  });
});

describe('what is read', () => {
  it('is frozen through and through', () => {
    const config = load({ yaml: componentYaml });
    const parts = [config, config.host, config.http, config.http.listen, config.http.trustedProxies];
    expect([...parts, config.unifiedPush, config.unifiedPush.acl, config.log].every(Object.isFrozen)).toBe(
      true,
    );
  });

  it('takes lists and text with commas alike', () => {
    const acl = (text: string) =>
      load({ yaml: `${componentYaml}unified_push: { acl: ${text} }` }).unifiedPush.acl;
    const expected = ['example.org', 'ana@example.net', 'bo@example.net/phone'];
    expect(acl('[example.org, ana@example.net, bo@example.net/phone]').map(String)).toEqual(expected);
    expect(acl('"example.org, ana@example.net,bo@example.net/phone"').map(String)).toEqual(expected);
  });

  it('has a public URL without a slash at its end, which may have a path', () => {
    const { http } = load({ yaml: 'http: { public_url: "https://example.org/up//" }' });
    expect(http.publicUrl).toBe('https://example.org/up');
  });

  it('has relative paths of a file relative to the file, those of the environment to the working folder', () => {
    mkdirSync(join(folder.path, 'etc'));
    writeFileSync(join(folder.path, 'etc', 'b.yaml'), 'data_dir: ../data\n');
    const file = 'etc/b.yaml';
    expect(loadConfig({ file, env: {}, cwd: folder.path }).dataDir).toBe(join(folder.path, 'data'));
    const env = { BELFRY_DATA_DIR: 'elsewhere' };
    expect(loadConfig({ file, env, cwd: folder.path }).dataDir).toBe(join(folder.path, 'elsewhere'));
    writeFileSync(join(folder.path, 'etc', 'b.yaml'), '');
    expect(loadConfig({ file, env: {}, cwd: folder.path }).dataDir).toBe(join(folder.path, 'belfry-data'));
  });

  it('has servers and secrets by domain, prepared, as a section or as text', () => {
    const sections = [
      'standalone:',
      '  s2s_connect: { Example.NET: "[::1]:5269", b.example: xmpp.example:1 }',
      '  components:',
      '    listen: 127.0.0.1:5347',
      '    secrets:',
      '      Push.example.net: geheim',
    ].join('\n');
    const text = [
      'standalone:',
      '  s2s_connect: Example.NET=[::1]:5269, b.example = xmpp.example:1',
      '  components: { listen: "127.0.0.1:5347", secrets: Push.example.net=geheim }',
    ].join('\n');
    for (const yaml of [sections, text]) {
      const { host } = load({ yaml });
      expect(host).toHaveProperty(
        's2s.connect',
        new Map([
          ['example.net', { host: '::1', port: 5269 }],
          ['b.example', { host: 'xmpp.example', port: 1 }],
        ]),
      );
      expect(host).toHaveProperty('components.secrets', new Map([['push.example.net', 'geheim']]));
    }
  });

  it('has secrets of components in a file, a line each, and in the environment', () => {
    const listen = { BELFRY_STANDALONE_COMPONENTS_LISTEN: '127.0.0.1:5347' };
    const secrets = (source: Source) => {
      const { host } = load(source);
      return host.kind === 'standalone' ? host.components?.secrets : undefined;
    };
    const expected = new Map([
      ['a.example', 'x=y z'],
      ['b.example', 'w'],
    ]);
    writeFileSync(join(folder.path, 'components'), 'a.example=x=y z\nb.example = w\n');
    const yaml = 'standalone: { components: { secrets_file: components } }';
    expect(secrets({ yaml, env: listen })).toEqual(expected);
    const env = { ...listen, BELFRY_STANDALONE_COMPONENTS_SECRETS: 'a.example=x=y z,b.example=w' };
    expect(secrets({ yaml: '', env })).toEqual(expected);
  });

  it('has lists of domains, prepared', () => {
    const yaml =
      'standalone: { s2s_allowed_domains: [Example.NET], s2s_blocked_domains: "a.example, B.example" }';
    const { host } = load({ yaml });
    expect(host).toMatchObject({
      s2s: { allowedDomains: ['example.net'], blockedDomains: ['a.example', 'b.example'] },
    });
    expect(load({ yaml: 'standalone: { s2s_allowed_domains: [] }' }).host).toHaveProperty(
      's2s.allowedDomains',
      [],
    );
  });

  it('has no federation if it is switched off', () => {
    expect(load({ yaml: 'standalone: { s2s: false }' }).host).toHaveProperty('s2s', undefined);
    const yaml = 'standalone: { s2s: false, s2s_direct_tls: false }';
    expect(load({ yaml }).host).toHaveProperty('s2s', undefined);
  });

  it('keeps the archive for good if nothing expires', () => {
    for (const text of ['never', '0', 'Never']) {
      const { host } = load({ yaml: `archive: { expires_after: ${text} }` });
      expect(host).toHaveProperty('archive.expiresAfter', 0);
    }
  });

  it('has what devices are told, and collects nothing if it is not to wait', () => {
    const yaml =
      'cloud_notify: { important_body: "Ein Brief ✉", with_body: true, max_devices: "3", collection_time: 0 }';
    expect(load({ yaml }).host).toMatchObject({
      cloudNotify: {
        importantBody: 'Ein Brief ✉',
        withBody: true,
        withSender: false,
        maxDevices: 3,
        collectionTime: 0,
      },
    });
    const env = {
      BELFRY_CLOUD_NOTIFY_MAX_HIBERNATION_TIMEOUT: '2 days',
      BELFRY_CLOUD_NOTIFY_WITH_SENDER: 'true',
    };
    expect(load({ yaml: '', env }).host).toMatchObject({
      cloudNotify: { maxHibernationTimeout: 2 * 86_400, withSender: true },
    });
  });

  it('has the files of the certificate by the same rule', () => {
    const yaml = 'standalone: { tls: { cert: tls/cert.pem, key: /etc/key.pem } }';
    const tls = (config = load({ yaml })) =>
      config.host.kind === 'standalone' ? config.host.tls : undefined;
    expect(tls()).toEqual({ cert: join(folder.path, 'tls/cert.pem'), key: '/etc/key.pem' });
    const env = { BELFRY_STANDALONE_TLS_CERT: 'c.pem', BELFRY_STANDALONE_TLS_KEY: 'k.pem' };
    expect(tls(load({ env }))).toEqual({ cert: join(folder.path, 'c.pem'), key: join(folder.path, 'k.pem') });
  });

  it('may leave out listeners, in the file and in the environment', () => {
    const listeners = ({ host }: Config) =>
      host.kind === 'standalone' ? [host.c2s, host.c2sDirectTls] : undefined;
    const port = (number: number) => ({ host: '127.0.0.1', port: number });
    expect(listeners(load({ yaml: 'standalone: { c2s: false }' }))).toEqual([undefined, port(5223)]);
    const env = { BELFRY_STANDALONE_C2S: '127.0.0.1:0', BELFRY_STANDALONE_C2S_DIRECT_TLS: 'false' };
    expect(listeners(load({ env }))).toEqual([port(0), undefined]);
    const open = load({ env: { BELFRY_STANDALONE_REQUIRE_ENCRYPTION: 'false' } });
    expect(open.host).toMatchObject({ requireEncryption: false });
  });

  it('may be JSON, and may begin with a byte order mark', () => {
    const json = JSON.stringify({ http: { listen: '127.0.0.1:1' }, log: { level: 'warn' } });
    expect(load({ yaml: `\ufeff${json}` }).log.level).toBe('warn');
  });
});

describe('the environment', () => {
  it('overrides the file', () => {
    const config = load({
      yaml: `${componentYaml}unified_push: { acl: [example.org] }\n`,
      env: {
        BELFRY_COMPONENT_SECRET: 'other',
        BELFRY_UNIFIED_PUSH_ACL: 'example.net, ana@example.com',
        BELFRY_UNIFIED_PUSH_RATE_LIMIT: '0',
        BELFRY_UNIFIED_PUSH_PUSH_TIMEOUT: '2 minutes',
        BELFRY_UNIFIED_PUSH_REGISTRATION_TTL: '3600',
        BELFRY_HTTP_PUBLIC_URL: 'https://push.example.org',
        BELFRY_STORAGE: 'postgres://belfry:p@db/belfry',
        BELFRY_LOG_LEVEL: '',
        PATH: '/bin',
      },
    });
    expect(config.host).toMatchObject({ secret: 'other' });
    expect(config.unifiedPush.acl.map(String)).toEqual(['example.net', 'ana@example.com']);
    expect(config.unifiedPush).toMatchObject({ rateLimit: 0, pushTimeout: 120, registrationTtl: 3600 });
    expect(config.http.publicUrl).toBe('https://push.example.org');
    expect(config.storage).toEqual({ kind: 'postgres', url: 'postgres://belfry:p@db/belfry' });
    expect(config.log.level).toBe('info');
  });

  it('must not have variables that mean nothing, but for the switch of the tests', () => {
    const env = { BELFRY_REQUIRE_PEERS: '1', BELFRY_COMPONENT_SECRT: 'x', BELFRY_WHATEVER: 'x' };
    expect(mistakes({ env })).toEqual([
      'BELFRY_COMPONENT_SECRT: is no variable of Belfry; did you mean BELFRY_COMPONENT_SECRET?',
      'BELFRY_WHATEVER: is no variable of Belfry; unset it, or see docs/configuration.md for those there are',
    ]);
  });

  it('may have what Kubernetes and Docker make of a service named belfry', () => {
    const names = [
      ...['BELFRY_PORT', 'BELFRY_SERVICE_HOST', 'BELFRY_SERVICE_PORT', 'BELFRY_SERVICE_PORT_HTTP'],
      ...['BELFRY_PORT_5280_TCP', 'BELFRY_PORT_5280_TCP_ADDR', 'BELFRY_PORT_5280_TCP_PROTO'],
    ];
    expect(() =>
      load({ env: Object.fromEntries(names.map((name) => [name, 'tcp://10.0.0.1:5280'])) }),
    ).not.toThrow();
  });

  it('is named where a value is wrong or missing', () => {
    const env = { BELFRY_HOST: 'component', BELFRY_COMPONENT_JID: 'a@b', BELFRY_UNIFIED_PUSH_ACL: 'a,@' };
    expect(mistakes({ env })).toEqual([
      'BELFRY_COMPONENT_JID: component.jid: "a@b" is not a domain alone; write b',
      'BELFRY_UNIFIED_PUSH_ACL: unified_push.acl: "@" is no JID: the localpart is empty',
      'BELFRY_HOST: component.secret: is missing, and host is component; set it, or BELFRY_COMPONENT_SECRET, to the secret that the XMPP server has for it',
    ]);
  });
});
