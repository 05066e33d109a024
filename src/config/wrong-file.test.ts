import { describe, expect, it } from 'vitest';
import { configFolder } from '../../tests/harness/config-folder.js';
import { loadConfig } from './load.js';

const folder = configFolder();
const { mistakes } = folder;

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
        'belfry.yaml:1:1: frobnicate: is no key; keys are host, domain, data_dir, storage, storage_file, standalone, component, http, unified_push, gateway, smacks, archive, cloud_notify, web_push, log',
        'belfry.yaml:3:3: log.colour: is no key; its keys are level, format',
        'belfry.yaml:4:1: 1: is no key; keys are host, domain, data_dir, storage, storage_file, standalone, component, http, unified_push, gateway, smacks, archive, cloud_notify, web_push, log',
        'belfry.yaml:5:3: ?: is no key; keys are host, domain, data_dir, storage, storage_file, standalone, component, http, unified_push, gateway, smacks, archive, cloud_notify, web_push, log',
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
      'names of Prosody for two keys',
      'component_ports: [5347]\ns2s_secure_auth: true\n',
      [
        "belfry.yaml:1:1: component_ports: is Prosody's name; write it here as standalone.components.listen or component.connect",
        "belfry.yaml:2:1: s2s_secure_auth: is Prosody's name; write it here as standalone.s2s_secure_auth",
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

  it.each([
    ['lists in brackets', 'a: ', '[', 103],
    ['sections in braces', 'a: ', '{a: ', 400],
    ['lists', '', '- ', 201],
    ['keys', '', '? ', 201],
    ['sections', '', 'a: ', 302],
  ])('that is nested too deeply is one mistake: %s', (_what, start, step, column) => {
    expect(mistakes({ yaml: `# Deep\n${start}${step.repeat(50_000)}` })).toEqual([
      `belfry.yaml:2:${column}: lists and sections are nested too deeply`,
    ]);
  });

  it('may have brackets and dashes in what is text, and sections one after another', () => {
    const acl = Array.from({ length: 150 }, () => 'example.org').join(', ');
    const quoted = `unified_push: { acl: [${acl}] } # ${'[- ? : '.repeat(200)}\n`;
    expect(mistakes({ yaml: `${quoted}domain: "${'[- '.repeat(150)}"\n` })).toEqual([
      expect.stringMatching(/^belfry\.yaml:2:9: domain: /),
    ]);
  });

  it('that is too large or no text is one mistake', () => {
    const only = (yaml: string | Uint8Array) => mistakes({ yaml });
    expect(only(`#${'x'.repeat(300_000)}`)).toEqual([
      'belfry.yaml: the configuration is larger than 262144 bytes',
    ]);
    expect(only(Uint8Array.of(0x61, 0xff))).toEqual(['belfry.yaml: the configuration is not text in UTF-8']);
  });

  it('that is named and absent is a mistake', () => {
    expect(() => loadConfig({ file: 'absent.yaml', env: {}, cwd: folder.path })).toThrow(
      'absent.yaml: the configuration cannot be read: there is no such file',
    );
  });
});
