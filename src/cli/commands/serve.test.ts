import { describe, expect, it } from 'vitest';
import type { Config } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { reloadConfig } from './serve.js';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

async function reload(env: Record<string, string>) {
  const lines: Line[] = [];
  const applied: Config[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    lines.push({ level, message, fields });
  const load = (variables: Record<string, string>) => loadConfig({ env: variables, cwd: '/nonexistent' });
  await reloadConfig({
    running: load({}),
    load: () => load(env),
    app: { reload: async (config) => void applied.push(config) },
    logger: {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      isLevelEnabled: () => true,
      setLevel() {},
    },
  });
  return { lines, applied };
}

describe('a reload', () => {
  it('applies the new configuration', async () => {
    const { lines, applied } = await reload({
      BELFRY_UNIFIED_PUSH_ACL: 'example.net',
      BELFRY_LOG_LEVEL: 'debug',
    });
    expect(applied.map(({ unifiedPush }) => unifiedPush.acl.join())).toEqual(['example.net']);
    expect(lines).toEqual([{ level: 'info', message: 'configuration reloaded', fields: {} }]);
  });

  it('names what needs a restart, without its value', async () => {
    const { lines } = await reload({
      BELFRY_HTTP_LISTEN: '127.0.0.1:1',
      BELFRY_STORAGE: 'postgres://a:canary@h/d',
    });
    // Whoever waits for the last line knows the others.
    expect(lines).toMatchObject([
      { level: 'warn', fields: { keys: ['storage', 'http.listen', 'http.public_url'] } },
      { level: 'info', message: 'configuration reloaded' },
    ]);
    expect(JSON.stringify(lines)).not.toContain('canary');
  });

  it('keeps the former configuration if the new one is wrong', async () => {
    const { lines, applied } = await reload({ BELFRY_LOG_LEVEL: 'loud' });
    expect(applied).toEqual([]);
    expect(lines).toEqual([
      {
        level: 'error',
        message: 'configuration not reloaded: the former one stays',
        fields: { problems: [expect.stringMatching(/^BELFRY_LOG_LEVEL: log\.level: "loud"/)] },
      },
    ]);
  });
});
