import { resolve } from 'node:path';
import type { Inputs } from './given.js';
import type { Place, Problem } from './problem.js';
import type { SettingName, Values } from './schema.js';

/** What deriving a configuration from values needs beside them. */
export interface DeriveContext {
  readonly inputs: Inputs;
  /** Where to point for a setting that is absent. */
  absent(setting: SettingName): Place;
  /** What the default of `data_dir` is relative to. */
  readonly cwd: string;
  refuse(problem: Problem): void;
}

/** Settings that name a file. */
type PathSetting = 'standalone.tls.cert' | 'standalone.tls.key' | 'standalone.s2s_ca' | 'web_push.ca';

/** The file that a setting names, relative to where it was written; undefined if there is none. */
export function pathOf(
  setting: PathSetting,
  values: Values,
  { inputs, cwd }: DeriveContext,
): string | undefined {
  const path = values[setting];
  return path === undefined ? undefined : resolve(inputs.get(setting)?.folder ?? cwd, path);
}
