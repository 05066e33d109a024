import { readFile, writeFile } from 'node:fs/promises';
import { waitFor } from './net.js';

/** A running Belfry that was configured by a file of JSON. */
export interface Reloadable {
  readonly pid: number;
  readonly configFile: string;
  log(): string;
}

/** How often it has logged that, so far. */
export const countInLog = (server: Pick<Reloadable, 'log'>, message: string): number =>
  server.log().split(`"msg":"${message}"`).length - 1;

/** Changes keys of the configuration, a section at a time, and has it read again. */
export async function reload(
  server: Reloadable,
  change: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<void> {
  const config: Record<string, object> = JSON.parse(await readFile(server.configFile, 'utf8'));
  for (const [section, keys] of Object.entries(change)) config[section] = { ...config[section], ...keys };
  await writeFile(server.configFile, JSON.stringify(config));
  const before = countInLog(server, 'configuration reloaded');
  process.kill(server.pid, 'SIGHUP');
  const isRead = () => countInLog(server, 'configuration reloaded') > before;
  await waitFor('the configuration to be read', isRead);
}
