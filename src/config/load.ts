import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Config } from './config.js';
import { deriveConfig } from './derive.js';
import { type Given, mergeSources } from './given.js';
import { parseValues } from './parse-values.js';
import { ConfigError, type Place, type Problem } from './problem.js';
import { readEnv } from './read-env.js';
import { readText } from './read-text.js';
import { readYaml } from './read-yaml.js';
import type { SettingName } from './schema.js';

const defaultFile = 'belfry.yaml';
const maxFileBytes = 256 * 1024;

export interface LoadOptions {
  /** The configuration file, relative to `cwd`; `belfry.yaml` if that exists and nothing is given. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** The file that is read, as messages name it; undefined if there is none and defaults count. */
export function configFile({ file, cwd = process.cwd() }: LoadOptions): string | undefined {
  return file ?? (existsSync(resolve(cwd, defaultFile)) ? defaultFile : undefined);
}

/**
 * The configuration from defaults, file and environment, each overriding the one before; frozen.
 * @throws {ConfigError} with everything that is wrong
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const { env = process.env, cwd = process.cwd() } = options;
  const problems: Problem[] = [];
  const refuse = (problem: Problem) => problems.push(problem);
  const name = configFile(options);
  const file = readFile(name, cwd);
  const variables = readEnv(env, cwd);
  const { inputs, problems: conflicts } = mergeSources([file.given, variables.given]);
  problems.push(...file.problems, ...variables.problems, ...conflicts);
  // A file that could not be read as a whole would have every key that it holds reported as missing.
  if (!file.isRead) throw new ConfigError(problems);
  const values = parseValues(inputs, refuse);
  const absent = (setting: SettingName) =>
    file.sections.get(setting.split('.')[0] ?? '') ??
    inputs.get('host')?.place ?? { source: name ?? defaultFile };
  const config = deriveConfig(values, { inputs, absent, cwd, refuse });
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

interface FileContents {
  readonly given: readonly Given[];
  readonly problems: readonly Problem[];
  readonly sections: ReadonlyMap<string, Place>;
  readonly isRead: boolean;
}

function readFile(name: string | undefined, cwd: string): FileContents {
  if (name === undefined) return { given: [], problems: [], sections: new Map(), isRead: true };
  const path = resolve(cwd, name);
  const read = readText(path, maxFileBytes);
  if ('text' in read) return readYaml({ name, folder: dirname(path), text: read.text });
  const problem = { place: { source: name }, text: `the configuration ${read.failed}` };
  return { given: [], problems: [problem], sections: new Map(), isRead: false };
}

/** Plain objects and lists; JIDs are immutable by themselves. */
function deepFreeze<T>(value: T): T {
  const isPlain =
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain && !Array.isArray(value)) return value;
  for (const inner of Object.values(value as object)) deepFreeze(inner);
  return Object.freeze(value);
}
