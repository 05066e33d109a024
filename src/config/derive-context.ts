import type { Inputs } from './given.js';
import type { Place, Problem } from './problem.js';
import type { SettingName } from './schema.js';

/** What deriving a configuration from values needs beside them. */
export interface DeriveContext {
  readonly inputs: Inputs;
  /** Where to point for a setting that is absent. */
  absent(setting: SettingName): Place;
  /** What the default of `data_dir` is relative to. */
  readonly cwd: string;
  refuse(problem: Problem): void;
}
