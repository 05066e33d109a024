import { z } from 'zod';
import { aboutOf, allKeys, type Key, schema, variableOf } from './schema.js';

type Json = z.core.JSONSchema.JSONSchema;

/** JSON Schema (draft 2020-12) of the configuration file, with Prosody's names and the environment's variables. */
export function configSchema(): Json {
  const root: Json = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of Belfry',
    ...section(),
  };
  for (const key of allKeys) addKey(root, key.path.split('.'), key);
  return root;
}

/** Puts a key's description where `path` leads from `parent`, through sections that it makes. */
function addKey(parent: Json, [name = '', ...rest]: readonly string[], key: Key): void {
  const properties = parent.properties ?? {};
  parent.properties = properties;
  if (rest.length === 0) {
    properties[name] = describeKey(key);
    return;
  }
  const present = properties[name];
  const nested = typeof present === 'object' ? present : section();
  properties[name] = nested;
  addKey(nested, rest, key);
}

function section(): Json {
  return { type: 'object', properties: {}, additionalProperties: false };
}

function describeKey(key: Key): Json {
  const { meaning, defaultInWords, prosody } = aboutOf(key.setting);
  const environment = { 'x-environment': variableOf(key) };
  if (key.isFile) {
    const description = `Name of a file that holds \`${key.setting}\`, relative to the configuration.`;
    return { type: 'string', description, ...environment };
  }
  const { $schema: _, ...type } = z.toJSONSchema(schema.shape[key.setting], { io: 'input' });
  const otherwise = defaultInWords === undefined ? '' : ` Default: ${defaultInWords}.`;
  return {
    ...type,
    description: `${meaning}${otherwise}`,
    ...(prosody === undefined ? {} : { 'x-prosody-name': prosody }),
    ...environment,
  };
}
