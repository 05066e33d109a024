import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../src/config/describe.js';
import { loadConfig } from '../src/config/load.js';
import { aboutOf, allKeys, variableOf } from '../src/config/schema.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.yaml'));

type Json = z.core.JSONSchema.JSONSchema;

const schema = configSchema();

/** The schema of a key, which exists. */
function propertyOf(path: string): Json {
  return path.split('.').reduce<Json>((parent, name) => {
    const property = parent.properties?.[name];
    if (typeof property !== 'object') throw new Error(`no ${path} in the schema`);
    return property;
  }, schema);
}

/** Paths of all leaves. */
function leavesOf(parent: Json, prefix = ''): string[] {
  return Object.entries(parent.properties ?? {}).flatMap(([name, property]) =>
    typeof property === 'object' && property.properties !== undefined
      ? leavesOf(property, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}

/** The table of keys on the page: key, default, meaning, Prosody's name. */
const rows = page
  .split('\n')
  .filter((line) => /^\| `[a-z0-9_.]+` \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, key = '', value = '', meaning = '', prosody = '']) => ({ key, value, meaning, prosody }));

const code = (text: string) => (text === '' ? '' : `\`${text}\``);

describe('the schema of the configuration', () => {
  it('has every key, and sections that take no others', () => {
    expect(leavesOf(schema)).toEqual(allKeys.map(({ path }) => path));
    const inner = ['standalone.tls', 'standalone.components'];
    const outer = [
      'standalone',
      'component',
      'http',
      'unified_push',
      'smacks',
      'archive',
      'cloud_notify',
      'web_push',
      'log',
    ];
    for (const section of ['', ...outer, ...inner]) {
      const part = section === '' ? schema : propertyOf(section);
      expect(part).toMatchObject({ type: 'object', additionalProperties: false });
    }
  });

  it('tells of each key what it is for, its type and its variable', () => {
    for (const key of allKeys) {
      const property = propertyOf(key.path);
      expect(property.description, key.path).toMatch(/^\S.*\.$/);
      expect(property.type ?? property.anyOf, key.path).toBeDefined();
      expect(property['x-environment']).toBe(variableOf(key));
    }
    expect(propertyOf('unified_push.registration_ttl')).toMatchObject({
      default: 86_400,
      'x-unit': 'seconds',
      'x-minimum': '1 minute',
      'x-prosody-name': 'unified_push_registration_ttl',
    });
  });

  it.each(examples)('takes examples/%s, and nothing that is misspelt', (name) => {
    const validator = z.fromJSONSchema(schema);
    const value: unknown = parse(readFileSync(join(root, 'examples', name), 'utf8'));
    expect(validator.safeParse(value).error).toBeUndefined();
    const wrong = { ...Object(value), unified_push: { backend: 'pasteo' } };
    expect(validator.safeParse(wrong).success).toBe(false);
    expect(validator.safeParse({ ...Object(value), hots: 'component' }).success).toBe(false);
  });
});

describe('docs/configuration.md', () => {
  it('has a row for every key of the schema, in its order, and no other', () => {
    expect(rows.map(({ key }) => key)).toEqual(allKeys.map(({ path }) => code(path)));
  });

  it.each(allKeys)('has default, meaning and Prosody’s name of $path', ({ path, setting, isFile }) => {
    const { defaultInWords = '', meaning, prosody = '' } = aboutOf(setting);
    const row = rows.find(({ key }) => key === code(path));
    const { default: value, description = '' } = propertyOf(path);
    const written = Array.isArray(value) ? value.join(', ') : String(value ?? '');
    expect(row?.value).toBe(isFile ? '' : written === '' ? defaultInWords : code(written));
    expect(row?.prosody).toBe(isFile ? '' : code(prosody));
    const expected = isFile ? description : meaning;
    expect(row?.meaning.slice(0, expected.length - 1)).toBe(expected.slice(0, -1));
  });
});

describe('the examples', () => {
  it.each(examples)('%s is a valid configuration', (name) => {
    const config = loadConfig({ file: join(root, 'examples', name), env: {} });
    expect(config.host.kind).toBe(name === 'standalone.yaml' ? 'standalone' : 'component');
    expect(config.http.publicUrl).toBe('https://push.example.org');
  });

  it('are there', () => {
    expect(examples).toEqual(['ejabberd.yaml', 'postgresql.yaml', 'prosody.yaml', 'standalone.yaml']);
  });
});

describe('every configuration in the documentation', () => {
  const blocks = ['README.md', 'docs/configuration.md'].flatMap((name) =>
    [...readFileSync(join(root, name), 'utf8').matchAll(/```yaml\n(host: [^`]*)```/g)].map(
      (match) => [name, match[1] ?? ''] as const,
    ),
  );

  it.each(blocks)('in %s fits the schema', (_name, text) => {
    expect(z.fromJSONSchema(schema).safeParse(parse(text)).error).toBeUndefined();
  });

  it('is found', () => expect(blocks.length).toBeGreaterThanOrEqual(2));
});
