import { resolve } from 'node:path';
import type { Given, Inputs } from './given.js';
import type { Place, Problem } from './problem.js';
import { readText } from './read-text.js';
import { schema, settingNames, type Values } from './schema.js';

const maxSecretBytes = 64 * 1024;

type Refuse = (problem: Problem) => void;

/**
 * Reads every setting from what was given, from the file that was named for it, or from its default. A wrong value is
 * reported and then taken as absent.
 */
export function parseValues(inputs: Inputs, refuse: Refuse): Values {
  const written: Record<string, unknown> = {};
  for (const name of settingNames) {
    const given = inputs.get(name);
    if (given !== undefined) written[name] = contentOf(given, refuse);
  }
  for (const { path, message } of schema.safeParse(written).error?.issues ?? []) {
    const [name, item] = path;
    const given = [...inputs.values()].find(({ setting }) => setting === name);
    if (given === undefined) continue;
    written[given.setting] = undefined;
    refuse({ place: placeOf(given, item), key: given.path, text: message });
  }
  return schema.parse(written);
}

function placeOf({ place, items }: Given, item: PropertyKey | undefined): Place {
  return (item === undefined ? undefined : items?.get(item)) ?? place;
}

/** The value itself, or what its file holds, without the newline at the end that editors leave there. */
function contentOf({ isFile, value, folder, path, place }: Given, refuse: Refuse): unknown {
  if (!isFile) return value;
  if (typeof value !== 'string' || value === '') {
    refuse({ place, key: path, text: 'has to be the name of a file, as text' });
    return undefined;
  }
  const read = readText(resolve(folder, value), maxSecretBytes);
  if ('text' in read) return read.text.replace(/\r?\n$/, '');
  refuse({ place, key: path, text: `${value} ${read.failed}` });
  return undefined;
}
