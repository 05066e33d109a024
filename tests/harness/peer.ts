import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from 'vitest';

/** The path of an executable on PATH or in the folders where Debian puts servers; undefined if it is absent. */
export function findExecutable(name: string, extraFolders: readonly string[] = []): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', ...extraFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A suite that needs software of others. Where that is absent a newcomer sees a skip that names it; with
 * `BELFRY_REQUIRE_PEERS=1` (CI) its absence is a failure.
 */
export function describeWithPeers(
  title: string,
  peers: Readonly<Record<string, boolean>>,
  suite: () => void,
): void {
  const absent = Object.keys(peers).filter((name) => !peers[name]);
  if (absent.length === 0) describe(title, suite);
  else if (process.env['BELFRY_REQUIRE_PEERS'] === '1') {
    it(`${title}: needs ${absent.join(', ')}`, () => {
      throw new Error(`not installed: ${absent.join(', ')}`);
    });
  } else describe.skip(`${title} (skipped: ${absent.join(', ')} not installed)`, suite);
}
