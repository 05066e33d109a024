import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError } from '../../src/config/problem.js';

/** What a configuration is read from. */
export interface Source {
  readonly yaml?: string | Uint8Array;
  readonly env?: Record<string, string>;
}

/** A folder of each test's own, in which a configuration is read. */
export interface ConfigFolder {
  readonly path: string;
  load(source: Source): Config;
  /** What is wrong with it. */
  mistakes(source: Source): readonly string[];
}

/** To be called once in a file of tests. */
export function configFolder(): ConfigFolder {
  let path = '';
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'belfry-config-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));
  const load = ({ yaml, env = {} }: Source) => {
    if (yaml !== undefined) writeFileSync(join(path, 'belfry.yaml'), yaml);
    return loadConfig({ env, cwd: path });
  };
  return {
    get path() {
      return path;
    },
    load,
    mistakes(source) {
      try {
        load(source);
      } catch (error) {
        if (error instanceof ConfigError) return error.lines;
        throw error;
      }
      return [];
    },
  };
}

/** The least that a component has to say. */
export const componentYaml = 'host: component\ncomponent: { jid: push.example.org, secret: correct horse }\n';
