import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from './config.js';
import { loadConfig } from './load.js';
import { ConfigError } from './problem.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belfry-config-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Source {
  readonly yaml?: string | Uint8Array;
  readonly env?: Record<string, string>;
}

function load({ yaml, env = {} }: Source) {
  if (yaml !== undefined) writeFileSync(join(folder, 'belfry.yaml'), yaml);
  return loadConfig({ env, cwd: folder });
}

function mistakes(source: Source): readonly string[] {
  try {
    load(source);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}

const component = 'host: component\ncomponent: { jid: push.example.org, secret: correct horse }\n';
const keyText = `secret-token:paseto.v3.local:${'0f'.repeat(32)}`;

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
    expect(config.storage).toEqual({ kind: 'sqlite', file: join(folder, 'belfry-data', 'belfry.sqlite') });
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
    const { host, unifiedPush } = load({ yaml: component });
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
    expect(acl(`${component}unified_push: { jid: up.example.net }`)).toEqual(['example.net']);
    expect(acl('domain: example.net')).toEqual(['example.net']);
    expect(acl('domain: example.net\nunified_push: { jid: push.example.net }')).toEqual(['example.net']);
    expect(acl(`${component}unified_push: { acl: [] }`)).toEqual([]);
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
    [component, 'mailto:postmaster@push.example.org', false],
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
    const config = load({ yaml: component });
    const parts = [config, config.host, config.http, config.http.listen, config.http.trustedProxies];
    expect([...parts, config.unifiedPush, config.unifiedPush.acl, config.log].every(Object.isFrozen)).toBe(
      true,
    );
  });

  it('takes lists and text with commas alike', () => {
    const acl = (text: string) =>
      load({ yaml: `${component}unified_push: { acl: ${text} }` }).unifiedPush.acl;
    const expected = ['example.org', 'ana@example.net', 'bo@example.net/phone'];
    expect(acl('[example.org, ana@example.net, bo@example.net/phone]').map(String)).toEqual(expected);
    expect(acl('"example.org, ana@example.net,bo@example.net/phone"').map(String)).toEqual(expected);
  });

  it('has a public URL without a slash at its end, which may have a path', () => {
    const { http } = load({ yaml: 'http: { public_url: "https://example.org/up//" }' });
    expect(http.publicUrl).toBe('https://example.org/up');
  });

  it('has relative paths of a file relative to the file, those of the environment to the working folder', () => {
    mkdirSync(join(folder, 'etc'));
    writeFileSync(join(folder, 'etc', 'b.yaml'), 'data_dir: ../data\n');
    const file = 'etc/b.yaml';
    expect(loadConfig({ file, env: {}, cwd: folder }).dataDir).toBe(join(folder, 'data'));
    const env = { BELFRY_DATA_DIR: 'elsewhere' };
    expect(loadConfig({ file, env, cwd: folder }).dataDir).toBe(join(folder, 'elsewhere'));
    writeFileSync(join(folder, 'etc', 'b.yaml'), '');
    expect(loadConfig({ file, env: {}, cwd: folder }).dataDir).toBe(join(folder, 'belfry-data'));
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
    writeFileSync(join(folder, 'components'), 'a.example=x=y z\nb.example = w\n');
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
    expect(tls()).toEqual({ cert: join(folder, 'tls/cert.pem'), key: '/etc/key.pem' });
    const env = { BELFRY_STANDALONE_TLS_CERT: 'c.pem', BELFRY_STANDALONE_TLS_KEY: 'k.pem' };
    expect(tls(load({ env }))).toEqual({ cert: join(folder, 'c.pem'), key: join(folder, 'k.pem') });
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
      yaml: `${component}unified_push: { acl: [example.org] }\n`,
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

describe('secrets in files', () => {
  it('are read relative to the configuration, without the newline at the end', () => {
    writeFileSync(join(folder, 'component.txt'), 'from a file\r\n');
    writeFileSync(join(folder, 'push.txt'), `${keyText}\n`);
    writeFileSync(join(folder, 'storage.txt'), 'postgres://belfry:p@db/belfry\n');
    const config = load({
      yaml: [
        'host: component',
        'storage_file: storage.txt',
        'component: { jid: push.example.org, secret_file: component.txt }',
        'unified_push: { secret_file: ./push.txt }',
      ].join('\n'),
    });
    expect(config.host).toMatchObject({ secret: 'from a file' });
    expect(config.unifiedPush.secret).toBe(keyText);
    expect(config.storage).toEqual({ kind: 'postgres', url: 'postgres://belfry:p@db/belfry' });
  });

  it('give way to the environment unread', () => {
    const yaml = 'host: component\ncomponent: { jid: push.example.org, secret_file: absent }';
    const { host } = load({ yaml, env: { BELFRY_COMPONENT_SECRET: 'x' } });
    expect(host).toMatchObject({ secret: 'x' });
  });

  it('are refused if they are absent, empty, too large, no text, or given twice', () => {
    writeFileSync(join(folder, 'empty'), '\n');
    writeFileSync(join(folder, 'large'), 'x'.repeat(70_000));
    writeFileSync(join(folder, 'binary'), Uint8Array.of(0xff, 0xfe, 0x00));
    const remarks = (name: string) =>
      mistakes({ yaml: `host: component\ncomponent:\n  jid: push.example.org\n  secret_file: ${name}` });
    const begin = 'belfry.yaml:4:16: component.secret_file:';
    expect(remarks('absent')).toEqual([`${begin} absent cannot be read: there is no such file`]);
    expect(remarks('.')).toEqual([`${begin} . cannot be read: it is a folder`]);
    expect(remarks('empty')).toEqual([`${begin} is empty; give a secret or remove the line`]);
    expect(remarks('large')).toEqual([`${begin} large is larger than 65536 bytes`]);
    expect(remarks('binary')).toEqual([`${begin} binary is not text in UTF-8`]);
    expect(remarks('[a]')).toEqual([`${begin} has to be the name of a file, as text`]);
    expect(remarks('empty\n  secret: x')).toEqual([
      'belfry.yaml:5:11: component.secret: is given beside component.secret_file; remove one of them',
    ]);
  });
});

describe('a wrong file', () => {
  const yamlHelp =
    'this is not valid YAML; check the indentation, and put values that begin with [ { * & ! | > % @ ` in quotes';

  it.each<[what: string, yaml: string, lines: string[]]>([
    [
      'a word that is not allowed',
      'host: component\ncomponent:\n  jid: push.example.org\n  secret: x\n# …\nunified_push:\n  backend: pasteo\n',
      ['belfry.yaml:7:12: unified_push.backend: "pasteo" is not allowed; use one of paseto, storage, jwt'],
    ],
    [
      'a slip in a key',
      'http:\n  listn: 127.0.0.1:80\n',
      ['belfry.yaml:2:3: http.listn: is no key; did you mean http.listen?'],
    ],
    [
      'a slip in a section',
      'unifiedpush:\n  acl: []\n',
      ['belfry.yaml:1:1: unifiedpush: is no key; did you mean unified_push?'],
    ],
    [
      'keys that do not exist',
      'frobnicate: 1\nlog:\n  colour: red\n1: 2\n? [a]\n: b\n',
      [
        'belfry.yaml:1:1: frobnicate: is no key; keys are host, domain, data_dir, storage, storage_file, standalone, component, http, unified_push, smacks, archive, cloud_notify, web_push, log',
        'belfry.yaml:3:3: log.colour: is no key; its keys are level, format',
        'belfry.yaml:4:1: 1: is no key; keys are host, domain, data_dir, storage, storage_file, standalone, component, http, unified_push, smacks, archive, cloud_notify, web_push, log',
        'belfry.yaml:5:3: ?: is no key; keys are host, domain, data_dir, storage, storage_file, standalone, component, http, unified_push, smacks, archive, cloud_notify, web_push, log',
      ],
    ],
    [
      "Prosody's names",
      'unified_push_acl: [example.org]\nunified_push:\n  unified_push_secret: x\npush_max_errors: 3\n',
      [
        "belfry.yaml:1:1: unified_push_acl: is Prosody's name; write it here as unified_push.acl",
        "belfry.yaml:3:3: unified_push.unified_push_secret: is Prosody's name; write it here as unified_push.secret",
        "belfry.yaml:4:1: push_max_errors: is Prosody's name; write it here as cloud_notify.max_errors",
      ],
    ],
    [
      'a key in the wrong section',
      'secret: x\nhttp: { level: info }\n',
      [
        'belfry.yaml:1:1: secret: is no key here; did you mean component.secret or unified_push.secret?',
        'belfry.yaml:2:9: http.level: is no key here; did you mean log.level?',
      ],
    ],
    [
      'a repeated key',
      'log:\n  level: info\n  level: debug\nlog: {}\n',
      [
        'belfry.yaml:3:3: log.level: is written twice; remove one',
        'belfry.yaml:4:1: log: is written twice; remove one',
      ],
    ],
    [
      'a component without name and secret',
      'host: component\n',
      [
        'belfry.yaml:1:7: component.jid: is missing, and host is component; set it, or BELFRY_COMPONENT_JID, to the name that the XMPP server has for the component',
        'belfry.yaml:1:7: component.secret: is missing, and host is component; set it, or BELFRY_COMPONENT_SECRET, to the secret that the XMPP server has for it',
      ],
    ],
    [
      'a component without a secret',
      'host: component\n\ncomponent:\n  jid: push.example.org\n',
      [
        'belfry.yaml:3:1: component.secret: is missing, and host is component; set it, or BELFRY_COMPONENT_SECRET, to the secret that the XMPP server has for it',
      ],
    ],
    [
      'a component below no domain',
      'host: component\ncomponent: { jid: invalid, secret: x }\n',
      [
        'belfry.yaml:1:7: unified_push.acl: is missing, and no domain is above invalid; list the domains whose users may register',
      ],
    ],
    [
      'a component that is an address',
      'host: component\ncomponent: { jid: 192.0.2.1, secret: x }\n',
      [
        'belfry.yaml:1:7: unified_push.acl: is missing, and no domain is above 192.0.2.1; list the domains whose users may register',
      ],
    ],
    [
      'addresses',
      'http:\n  listen: 5280\n  trusted_proxies: [10.0.0.0/8, 10.0.0.0/33, proxy]\ncomponent:\n  connect: ::1:5347\n',
      [
        'belfry.yaml:2:11: http.listen: 5280 is no address; write it as text, in quotes if need be',
        'belfry.yaml:3:33: http.trusted_proxies: "10.0.0.0/33" is no address or range; write it as in 10.0.0.0/8',
        'belfry.yaml:3:46: http.trusted_proxies: "proxy" is no address or range; write it as in 10.0.0.0/8',
        'belfry.yaml:5:12: component.connect: "::1:5347" is no address; write host:port, as in 127.0.0.1:5280 or "[::1]:5280"',
        'belfry.yaml:5:12: component.connect: means nothing without host: component; set that, or remove what is in component',
      ],
    ],
    [
      'URLs',
      'http:\n  public_url: ftp://user:pass@example.org\nstorage: mysql://root:geheim@db/x\n',
      [
        'belfry.yaml:2:15: http.public_url: "ftp://…@example.org" is no http or https URL',
        'belfry.yaml:3:10: storage: is neither; write sqlite, or a URL as in postgres://user:password@host:5432/database, with special characters of the password encoded (%40 for @)',
      ],
    ],
    [
      'numbers and durations',
      'unified_push:\n  registration_ttl: 10 fortnights\n  push_timeout: 1 day\n  rate_limit: -1\n',
      [
        'belfry.yaml:2:21: unified_push.registration_ttl: "10 fortnights" is no duration; write seconds, or a number with a unit (s, min, h, days, weeks, years), as in 10 minutes',
        'belfry.yaml:3:17: unified_push.push_timeout: "1 day" is out of range; allowed are 1 second to 5 minutes',
        'belfry.yaml:4:15: unified_push.rate_limit: -1 is out of range; allowed are whole numbers from 0 to 1000000',
      ],
    ],
    [
      'JIDs',
      'unified_push:\n  jid: push.example.org/res\n  acl:\n    - example.org\n    - a b@example.org\n    - 3\n    - [x]\n',
      [
        'belfry.yaml:2:8: unified_push.jid: "push.example.org/res" is not a domain alone; write push.example.org',
        'belfry.yaml:5:7: unified_push.acl: "a b@example.org" is no JID: the localpart holds U+0020, which is not allowed',
        'belfry.yaml:6:7: unified_push.acl: 3 is no text; put it in quotes',
        'belfry.yaml:7:7: unified_push.acl: a section is no text; put it in quotes',
      ],
    ],
    [
      'a section of the other host',
      'component:\n  jid: push.example.org\n  secret: x\n',
      [
        'belfry.yaml:2:8: component.jid: means nothing without host: component; set that, or remove what is in component',
      ],
    ],
    [
      'a section of an XMPP server on a component',
      'host: component\ncomponent: { jid: push.example.org, secret: x }\nstandalone: { tls: { cert: a.pem } }\n',
      [
        'belfry.yaml:3:28: standalone.tls.cert: means nothing without host: standalone; set that, or remove what is in standalone',
      ],
    ],
    [
      'what the XMPP server of a component does by itself',
      'host: component\ncomponent: { jid: push.example.org, secret: x }\ncloud_notify:\n  max_devices: 3\n',
      [
        'belfry.yaml:4:16: cloud_notify.max_devices: means nothing without host: standalone; set that, or remove what is in cloud_notify',
      ],
    ],
    [
      'what browsers of a component would need',
      'host: component\ncomponent: { jid: push.example.org, secret: x }\nhttp: { demo: true }\nweb_push: { ttl: 1 day }\n',
      [
        'belfry.yaml:3:15: http.demo: means nothing without host: standalone; set that, or remove this',
        'belfry.yaml:4:18: web_push.ttl: means nothing without host: standalone; set that, or remove what is in web_push',
      ],
    ],
    [
      'what devices are told',
      'cloud_notify:\n  important_body: "a\\nb"\n  max_errors: 0\n  max_devices: many\n  with_body: perhaps\n  collection_time: 2 minutes\n',
      [
        'belfry.yaml:2:19: cloud_notify.important_body: "a\\nb" has a line end or another character that is not shown; remove it',
        'belfry.yaml:3:15: cloud_notify.max_errors: 0 is out of range; allowed are whole numbers from 1 to 1000',
        'belfry.yaml:4:16: cloud_notify.max_devices: "many" is out of range; allowed are whole numbers from 1 to 100',
        'belfry.yaml:5:14: cloud_notify.with_body: "perhaps" is not allowed; use true or false',
        'belfry.yaml:6:20: cloud_notify.collection_time: "2 minutes" is out of range; allowed are 0 seconds to 1 minute',
      ],
    ],
    [
      'a certificate without its key, and a key without its certificate',
      'standalone:\n  tls: { key: key.pem }\n',
      [
        'belfry.yaml:2:15: standalone.tls.key: is given without standalone.tls.cert; a certificate and its key belong together',
      ],
    ],
    [
      'values of the XMPP server',
      'standalone:\n  c2s: true\n  c2s_direct_tls: 5223\n  require_encryption: maybe\n  registration: ajar\n  max_sessions_per_account: 0\n',
      [
        'belfry.yaml:2:8: standalone.c2s: true is no address; write host:port, as in 127.0.0.1:5280 or "[::1]:5280", or false for none',
        'belfry.yaml:3:19: standalone.c2s_direct_tls: 5223 is no address; write host:port, as in 127.0.0.1:5280 or "[::1]:5280", or false for none',
        'belfry.yaml:4:23: standalone.require_encryption: "maybe" is not allowed; use true or false',
        'belfry.yaml:5:17: standalone.registration: "ajar" is not allowed; use one of closed, open',
        'belfry.yaml:6:29: standalone.max_sessions_per_account: 0 is out of range; allowed are whole numbers from 1 to 1000',
      ],
    ],
    [
      'names of Prosody for its clients',
      'c2s_ports: [5222]\nallow_registration: true\nssl: {}\n',
      [
        "belfry.yaml:1:1: c2s_ports: is Prosody's name; write it here as standalone.c2s",
        "belfry.yaml:2:1: allow_registration: is Prosody's name; write it here as standalone.registration",
        "belfry.yaml:3:1: ssl: is Prosody's name; write it here as standalone.tls.key",
      ],
    ],
    [
      'a slip in a section within a section',
      'standalone:\n  tls:\n    crt: x\n  tlss: {}\n',
      [
        'belfry.yaml:3:5: standalone.tls.crt: is no key; did you mean standalone.tls.cert?',
        'belfry.yaml:4:3: standalone.tlss: is no key; did you mean standalone.tls?',
      ],
    ],
    [
      'one address for two',
      'standalone: { c2s: "127.0.0.1:5280" }\n',
      ['belfry.yaml: http.listen: is 127.0.0.1:5280, as is standalone.c2s; give each a port of its own'],
    ],
    [
      'one address for servers and components',
      'standalone:\n  s2s_direct_tls: 127.0.0.1:5269\n  components: { listen: "127.0.0.1:5280", secrets: { a.example: x } }\n',
      [
        'belfry.yaml:2:19: standalone.s2s_direct_tls: is 127.0.0.1:5269, as is standalone.s2s; give each a port of its own',
        'belfry.yaml: http.listen: is 127.0.0.1:5280, as is standalone.components.listen; give each a port of its own',
      ],
    ],
    [
      'addresses that cover one another',
      'standalone:\n  c2s: 0.0.0.0:5222\n  c2s_direct_tls: "[::1]:5222"\n  s2s: 127.0.0.1:5222\n  s2s_direct_tls: "[::]:5222"\n',
      [
        'belfry.yaml:4:8: standalone.s2s: is 127.0.0.1:5222, and standalone.c2s is 0.0.0.0:5222; give each a port of its own',
        'belfry.yaml:5:19: standalone.s2s_direct_tls: is [::]:5222, and standalone.c2s is 0.0.0.0:5222; give each a port of its own',
      ],
    ],
    [
      'values of federation',
      'standalone:\n  s2s: true\n  s2s_secure_auth: often\n  s2s_blocked_domains: [ana@example.net, 7]\n  s2s_connect:\n    example.net: 5269\n    ana@example.net: "127.0.0.1:1"\n    b.example: "x:0"\n    c.example: "x:1"\n    C.example: "x:1"\n',
      [
        'belfry.yaml:2:8: standalone.s2s: true is no address; write host:port, as in 127.0.0.1:5280 or "[::1]:5280", or false for none',
        'belfry.yaml:3:20: standalone.s2s_secure_auth: "often" is not allowed; use true or false',
        'belfry.yaml:4:25: standalone.s2s_blocked_domains: "ana@example.net" is not a domain alone; write example.net',
        'belfry.yaml:4:42: standalone.s2s_blocked_domains: 7 is no text; put it in quotes',
        'belfry.yaml:6:5: standalone.s2s_connect: the address of example.net is no text; write host:port, as in 127.0.0.1:5280 or "[::1]:5280"',
        'belfry.yaml:7:5: standalone.s2s_connect: "ana@example.net" is not a domain alone; write example.net',
        'belfry.yaml:8:5: standalone.s2s_connect: the address of b.example has an impossible port; allowed are 1 to 65535',
        'belfry.yaml:10:5: standalone.s2s_connect: has c.example twice; remove one',
      ],
    ],
    [
      'entries by domain that are no section, and one that is written twice',
      'standalone:\n  s2s_connect: [x]\n  components:\n    listen: 127.0.0.1:5347\n    secrets:\n      a.example: x\n      a.example: y\n',
      [
        'belfry.yaml:2:16: standalone.s2s_connect: is no section; write each address as a line of the form "domain: address"',
        'belfry.yaml:7:7: standalone.components.secrets: has a.example twice; remove one',
      ],
    ],
    [
      'TLS from the first byte without federation',
      'standalone:\n  s2s: false\n  s2s_direct_tls: 127.0.0.1:5270\n',
      [
        'belfry.yaml:3:19: standalone.s2s_direct_tls: means nothing while standalone.s2s is false; give that an address too, or remove this one',
      ],
    ],
    [
      'a domain that has to prove itself and need not',
      'standalone: { s2s_secure_domains: [a.example], s2s_insecure_domains: [A.example] }\n',
      [
        'belfry.yaml:1:70: standalone.s2s_insecure_domains: has a.example, as has standalone.s2s_secure_domains; remove it from one of them',
      ],
    ],
    [
      'a listener for no components',
      'standalone: { components: { listen: "127.0.0.1:5347" } }\n',
      [
        'belfry.yaml:1:37: standalone.components.listen: is given without standalone.components.secrets, so that nobody may connect; set that as well',
      ],
    ],
    [
      'components without a listener',
      'standalone: { components: { secrets: { a.example: x } } }\n',
      [
        'belfry.yaml:1:38: standalone.components.secrets: is given without standalone.components.listen, so that nothing connects; set that as well',
      ],
    ],
    [
      'a secret of a component that is no text',
      'standalone:\n  components:\n    listen: 127.0.0.1:5347\n    secrets:\n      a.example: x\n      b.example: 12\n',
      [
        'belfry.yaml:6:7: standalone.components.secrets: the secret of b.example is no text; put it in quotes',
      ],
    ],
    [
      'components at names that are taken',
      'domain: example.org\nunified_push: { jid: push.example.org }\nstandalone:\n  components:\n    listen: 127.0.0.1:5347\n    secrets:\n      push.example.org: x\n      example.org: y\n',
      [
        'belfry.yaml:7:7: standalone.components.secrets: push.example.org is unified_push.jid already; give the component a name of its own',
        'belfry.yaml:8:7: standalone.components.secrets: example.org is domain already; give the component a name of its own',
      ],
    ],
    [
      'sessions and the archive of a component',
      'host: component\ncomponent: { jid: push.example.org, secret: x }\nsmacks: { max_queue_size: 1 }\narchive: { default_policy: never }\n',
      [
        'belfry.yaml:3:27: smacks.max_queue_size: means nothing without host: standalone; set that, or remove what is in smacks',
        'belfry.yaml:4:28: archive.default_policy: means nothing without host: standalone; set that, or remove what is in archive',
      ],
    ],
    [
      'times of sessions and of the archive',
      'smacks: { hibernation_time: 0 }\narchive: { expires_after: 1 minute, default_policy: sometimes }\n',
      [
        'belfry.yaml:1:29: smacks.hibernation_time: 0 is out of range; allowed are 1 second to 1 week',
        'belfry.yaml:2:27: archive.expires_after: "1 minute" is out of range; allowed are 1 hour to 100 years, or never',
        'belfry.yaml:2:53: archive.default_policy: "sometimes" is not allowed; use one of always, roster, never',
      ],
    ],
    [
      'names of Prosody for two keys',
      'component_ports: [5347]\ns2s_secure_auth: true\n',
      [
        "belfry.yaml:1:1: component_ports: is Prosody's name; write it here as standalone.components.listen or component.connect",
        "belfry.yaml:2:1: s2s_secure_auth: is Prosody's name; write it here as standalone.s2s_secure_auth",
      ],
    ],
    [
      'a push service at a name of somebody else',
      'domain: example.org\nunified_push: { jid: push.example.net }\n',
      [
        'belfry.yaml:2:22: unified_push.jid: push.example.net is neither example.org nor below it; Belfry answers for its own domain alone',
      ],
    ],
    [
      'a jwt without a secret',
      'unified_push: { backend: jwt }\n',
      [
        'belfry.yaml:1:1: unified_push.secret: is missing, and unified_push.backend is jwt; make one with: openssl rand -base64 32',
      ],
    ],
    [
      'settings of Web Push that nothing can be made of',
      'web_push:\n  contact: someone@example.org\n  max_devices: 0\n  ttl: 5 weeks\n  max_waiting: 0',
      [
        'belfry.yaml:2:12: web_push.contact: "someone@example.org" is no contact; write mailto: and a mailbox, or an https URL',
        'belfry.yaml:3:16: web_push.max_devices: 0 is out of range; allowed are whole numbers from 1 to 100',
        'belfry.yaml:4:8: web_push.ttl: "5 weeks" is out of range; allowed are 1 minute to 4 weeks',
        'belfry.yaml:5:16: web_push.max_waiting: 0 is out of range; allowed are whole numbers from 1 to 10000000',
      ],
    ],
    [
      'a jwt secret that could be guessed',
      'unified_push: { backend: jwt, secret: fifteen chars!! }\n',
      [
        'belfry.yaml:1:39: unified_push.secret: is shorter than 16 bytes and could be guessed; make one with: openssl rand -base64 32',
      ],
    ],
    [
      'a jwt with a paseto key',
      `unified_push: { backend: jwt, secret: "${keyText}" }\n`,
      [
        'belfry.yaml:1:39: unified_push.secret: is a paseto key, but unified_push.backend is jwt; make one with: openssl rand -base64 32',
      ],
    ],
    [
      'paseto keys',
      'unified_push: { secret: a secret for something else }\n',
      [
        'belfry.yaml:1:25: unified_push.secret: is no paseto key; write secret-token:paseto.v3.local: and 64 hexadecimal digits, or remove it: Belfry makes a key itself',
      ],
    ],
    [
      'a truncated paseto key',
      `unified_push: { backend: storage, secret: "${keyText.slice(0, -1)}" }\n`,
      [
        'belfry.yaml:1:43: unified_push.secret: is no paseto key; after secret-token:paseto.v3.local: come 64 hexadecimal digits',
      ],
    ],
    [
      'secrets that are no text',
      'host: component\ncomponent:\n  jid: push.example.org\n  secret: 0123\nstorage: 7\n',
      [
        'belfry.yaml:4:11: component.secret: must be text; put the secret in quotes',
        'belfry.yaml:5:10: storage: must be text; write sqlite, or a URL as in postgres://user:password@host:5432/database',
      ],
    ],
    [
      'values and sections in each other’s place',
      'log: info\nhost:\n  jid: x\nhttp: [a]\ndata_dir:\n',
      [
        'belfry.yaml:1:6: log: is a section; write its keys indented below it',
        'belfry.yaml:3:3: host: a section is not allowed; use one of standalone, component',
        'belfry.yaml:4:7: http: is a section; write its keys indented below it',
        'belfry.yaml:5:1: data_dir: has no value; give one or remove the line',
      ],
    ],
    [
      'no mapping',
      '- host\n',
      ['belfry.yaml:1:1: the configuration has to be lines of the form "key: value"'],
    ],
    [
      'a single word',
      'component\n',
      ['belfry.yaml:1:1: the configuration has to be lines of the form "key: value"'],
    ],
    ['tabs', 'log:\n\tlevel: info\n', ['belfry.yaml:2:1: YAML indents with spaces, not with tabs']],
    ['an open quote', 'domain: "example.org\n', ['belfry.yaml:2:1: a closing quote or bracket is missing']],
    ['an address that needs quotes', 'http:\n  listen: [::1]:5280\n', [`belfry.yaml:2:16: ${yamlHelp}`]],
    [
      'two documents',
      'host: standalone\n---\nhost: component\n',
      ['belfry.yaml:2:1: a second document begins here; remove the line ---'],
    ],
    [
      'a tag',
      'domain: !secret x\n',
      [
        'belfry.yaml:1:9: tags (!name) are not supported; write the value alone, in quotes if it begins with !',
      ],
    ],
    [
      'an alias',
      'a: &a [x]\nb: *a\n',
      [
        'belfry.yaml:2:4: aliases (*name) are not supported; write the value out, in quotes if it begins with *',
      ],
    ],
    [
      'an alias of nothing',
      'domain: *a\n',
      [
        'belfry.yaml:1:9: aliases (*name) are not supported; write the value out, in quotes if it begins with *',
      ],
    ],
  ])('with %s', (_what, yaml, lines) => {
    expect(mistakes({ yaml })).toEqual(lines);
  });

  it('with aliases that expand without end is refused before anything expands', () => {
    const lines = ['a0: &a0 [x]'];
    for (let n = 1; n < 30; n++) {
      lines.push(`a${n}: &a${n} [${Array.from({ length: 9 }, () => `*a${n - 1}`).join(', ')}]`);
    }
    expect(mistakes({ yaml: lines.join('\n') })).toEqual([
      'belfry.yaml:2:10: aliases (*name) are not supported; write the value out, in quotes if it begins with *',
    ]);
  });

  it('that is nested too deeply, too large or no text is one mistake', () => {
    const only = (yaml: string | Uint8Array) => mistakes({ yaml });
    expect(only(`a: ${'['.repeat(100_000)}`)).toEqual([
      expect.stringMatching(/^belfry\.yaml:1:\d+: lists and sections are nested too deeply$/),
    ]);
    expect(only(`#${'x'.repeat(300_000)}`)).toEqual([
      'belfry.yaml: the configuration is larger than 262144 bytes',
    ]);
    expect(only(Uint8Array.of(0x61, 0xff))).toEqual(['belfry.yaml: the configuration is not text in UTF-8']);
  });

  it('that is named and absent is a mistake', () => {
    expect(() => loadConfig({ file: 'absent.yaml', env: {}, cwd: folder })).toThrow(
      'absent.yaml: the configuration cannot be read: there is no such file',
    );
  });

  it('never shows a secret', () => {
    const canary = 'kanarienvogel';
    const sources = [
      `component: { secret: [${canary}] }`,
      `component: { secret: "${canary}\n`,
      `component: { secret: ${canary}: x }`,
      `component:\n  secret: @${canary}\n`,
      `component:\n  secret: *${canary}\n`,
      `component:\n  secret: !${canary} x\n`,
      `component:\n secret: x\n${canary}\n`,
      `component: { secret: x, secret: ${canary} }`,
      `storage: postgresql:${canary}`,
      `storage: postgres://a:${canary}@[x`,
      `unified_push: { secret: ${canary} }`,
      `unified_push: { backend: jwt, secret: ${canary} }`,
      `unified_push: { secret: "secret-token:paseto.v3.local:${canary}" }`,
      `http: { public_url: "https://x:${canary}@example.org" }`,
      `component_secret: ${canary}`,
      `standalone: { components: { secrets: ${canary} } }`,
      `standalone: { components: { secrets: "a.example=x,${canary} y=z,a@${canary}=x" } }`,
      `standalone: { components: { secrets: { a.example: [${canary}] } } }`,
      `standalone: { components: { secrets: { a@b: ${canary} } } }`,
      `standalone: { components: { secrets: { a.example: x, a.example: ${canary} } } }`,
      `standalone: { components: { secrets: { a.example: ${canary} } } }`,
    ];
    for (const yaml of sources) {
      const lines = mistakes({ yaml });
      expect(lines, yaml).not.toEqual([]);
      expect(lines.join('\n'), yaml).not.toContain(canary);
    }
  });
});
