import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configFolder } from '../../tests/harness/config-folder.js';

const folder = configFolder();
const { load, mistakes } = folder;
const keyText = `secret-token:paseto.v3.local:${'0f'.repeat(32)}`;

describe('secrets in files', () => {
  it('are read relative to the configuration, without the newline at the end', () => {
    writeFileSync(join(folder.path, 'component.txt'), 'from a file\r\n');
    writeFileSync(join(folder.path, 'push.txt'), `${keyText}\n`);
    writeFileSync(join(folder.path, 'storage.txt'), 'postgres://belfry:p@db/belfry\n');
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
    writeFileSync(join(folder.path, 'empty'), '\n');
    writeFileSync(join(folder.path, 'large'), 'x'.repeat(70_000));
    writeFileSync(join(folder.path, 'binary'), Uint8Array.of(0xff, 0xfe, 0x00));
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

describe('what is said of a wrong file', () => {
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
