import type { Place, Problem } from './problem.js';
import type { Key, SettingName } from './schema.js';

/** A value as it was written under a key, before it is known to be right. */
export interface Given extends Key {
  readonly value: unknown;
  readonly place: Place;
  /** Where each item of a list was written, by its index, or each entry of a section, by its name. */
  readonly items?: ReadonlyMap<PropertyKey, Place>;
  /** What a relative path in the value is relative to. */
  readonly folder: string;
}

/** The one value that counts for each setting that was given. */
export type Inputs = ReadonlyMap<SettingName, Given>;

/** Later sources override earlier ones; within one, a setting and its twin with `_file` exclude each other. */
export function mergeSources(sources: readonly (readonly Given[])[]): {
  inputs: Inputs;
  problems: Problem[];
} {
  const inputs = new Map<SettingName, Given>();
  const problems: Problem[] = [];
  for (const source of sources) {
    const own = new Map<SettingName, Given>();
    for (const given of source) {
      const twin = own.get(given.setting);
      own.set(given.setting, given);
      if (twin === undefined) continue;
      problems.push({
        place: given.place,
        key: given.path,
        text: `is given beside ${twin.path}; remove one of them`,
      });
    }
    for (const [setting, given] of own) inputs.set(setting, given);
  }
  return { inputs, problems };
}
