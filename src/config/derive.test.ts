import { describe, expect, it } from 'vitest';
import { configFolder } from '../../tests/harness/config-folder.js';

const { mistakes } = configFolder();
const keyText = `secret-token:paseto.v3.local:${'0f'.repeat(32)}`;

describe('settings that do not go together', () => {
  it.each<[what: string, yaml: string, lines: string[]]>([
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
      'host: component\ncomponent: { jid: push.example.org, secret: x }\nhttp: { demo: true }\nweb_push: { ttl: 1 day, with_body: true }\n',
      [
        'belfry.yaml:3:15: http.demo: means nothing without host: standalone; set that, or remove this',
        'belfry.yaml:4:36: web_push.with_body: means nothing without host: standalone; set that, or remove this',
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
      'a push service at a name of somebody else',
      'domain: example.org\nunified_push: { jid: push.example.net }\n',
      [
        'belfry.yaml:2:22: unified_push.jid: push.example.net is neither example.org nor below it; Belfry answers for its own domain alone',
      ],
    ],
    [
      'a gateway at a name of somebody else',
      'domain: example.org\ngateway: { jid: push.example.net }\n',
      [
        'belfry.yaml:2:17: gateway.jid: push.example.net is neither example.org nor below it; Belfry answers for its own domain alone',
      ],
    ],
    [
      'a gateway at the name of a component',
      'domain: example.org\ngateway: { jid: gw.example.org }\nstandalone: { components: { listen: "127.0.0.1:5347", secrets: { gw.example.org: x } } }\n',
      [
        'belfry.yaml:3:66: standalone.components.secrets: gw.example.org is gateway.jid already; give the component a name of its own',
      ],
    ],
    [
      'a gateway for which there is no name',
      'domain: example.org\ngateway: { max_devices: 5 }\nstandalone: { components: { listen: "127.0.0.1:5347", secrets: { push.example.org: x } } }\n',
      [
        'belfry.yaml:2:25: gateway.max_devices: means nothing without a gateway, and there is none: push.example.org is a component; set gateway.jid',
      ],
    ],
    [
      'a gateway of a server that is an address',
      'domain: 192.0.2.1\ngateway: { enabled: true }\n',
      [
        'belfry.yaml:2:21: gateway.enabled: means nothing without a gateway, and there is none: below 192.0.2.1 is no name for it; set gateway.jid',
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
  ])('with %s', (_what, yaml, lines) => {
    expect(mistakes({ yaml })).toEqual(lines);
  });
});
