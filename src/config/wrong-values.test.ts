import { describe, expect, it } from 'vitest';
import { configFolder } from '../../tests/harness/config-folder.js';

const { mistakes } = configFolder();

describe('a wrong value', () => {
  it.each<[what: string, yaml: string, lines: string[]]>([
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
      'a secret of a component that is no text',
      'standalone:\n  components:\n    listen: 127.0.0.1:5347\n    secrets:\n      a.example: x\n      b.example: 12\n',
      [
        'belfry.yaml:6:7: standalone.components.secrets: the secret of b.example is no text; put it in quotes',
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
      'secrets that are no text',
      'host: component\ncomponent:\n  jid: push.example.org\n  secret: 0123\nstorage: 7\n',
      [
        'belfry.yaml:4:11: component.secret: must be text; put the secret in quotes',
        'belfry.yaml:5:10: storage: must be text; write sqlite, or a URL as in postgres://user:password@host:5432/database',
      ],
    ],
  ])('with %s', (_what, yaml, lines) => {
    expect(mistakes({ yaml })).toEqual(lines);
  });
});
