import type { Config, HostConfig } from '../config/config.js';
import { configFile, type LoadOptions, loadConfig } from '../config/load.js';
import { ConfigError } from '../config/problem.js';

/** A configuration that this version can serve. */
export interface ServableConfig extends Config {
  readonly host: Extract<HostConfig, { kind: 'component' }>;
}

/**
 * Loads the configuration and refuses what is valid but cannot be served, so that every command says the same.
 * @throws {ConfigError}
 */
export function loadServable(options: LoadOptions): ServableConfig {
  const config = loadConfig(options);
  if (isServable(config)) return config;
  throw new ConfigError([
    {
      place: { source: configFile(options) ?? 'belfry.yaml' },
      key: 'host',
      text: 'is standalone, but this version runs as a component of another XMPP server; set host: component, component.jid and component.secret (see docs/configuration.md)',
    },
  ]);
}

function isServable(config: Config): config is ServableConfig {
  return config.host.kind === 'component';
}
