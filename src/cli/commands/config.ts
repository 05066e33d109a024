import { configSchema } from '../../config/describe.js';
import { configFile } from '../../config/load.js';
import type { ConfigOption, Io } from '../io.js';
import { loadServable } from '../load-servable.js';

/** `belfry config check`: whether `serve` would take the configuration. Throws `ConfigError` if it would not. */
export function checkConfig({ config: file }: ConfigOption, io: Io): number {
  const options = { ...io.load, file };
  loadServable(options);
  io.out(`${configFile(options) ?? 'The configuration from the environment'} is valid.`);
  return 0;
}

/** `belfry config schema`: JSON Schema of the configuration file. */
export function printSchema(io: Io): number {
  io.out(JSON.stringify(configSchema(), null, 2));
  return 0;
}
