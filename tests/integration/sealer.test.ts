import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = fileURLToPath(new URL('../harness/sealing-child.ts', import.meta.url));

describe('a sealer in a program of its own', () => {
  it.each([
    ['as it was built', 'dist/web-push'],
    ['from sources', 'src/web-push'],
  ])('has a burst done by a thread, which does not keep the program from ending: %s', async (_, folder) => {
    const child = [program, join(root, folder)];
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', ...child], {
      timeout: 60_000,
    });
    expect(JSON.parse(stdout)).toEqual({ threads: 1, agreements: 96, read: 100 });
  });
});
