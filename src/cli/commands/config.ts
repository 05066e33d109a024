import { configSchema } from '../../config/describe.js';
import { configFile, loadConfig } from '../../config/load.js';
import type { ConfigOption, Io } from '../io.js';

/** `belfry config check`: whether `serve` would take the configuration. Throws `ConfigError` if it would not. */
export function checkConfig({ config: file }: ConfigOption, io: Io): number {
  const options = { ...io.load, file };
  loadConfig(options);
  io.out(`${configFile(options) ?? 'The configuration from environment and defaults'} is valid.`);
  return 0;
}

/** `belfry config schema`: JSON Schema of the configuration file. */
export function printSchema(io: Io): number {
  io.out(JSON.stringify(configSchema(), null, 2));
  return 0;
}
