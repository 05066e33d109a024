import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

const script = fileURLToPath(new URL('../../scripts/ensure-build.mjs', import.meta.url));

/**
 * Builds the program, unless what is built is newer than its sources, before the first test that starts it; and when tests
 * are run again because a file has changed. Not in between: the build takes away what running programs may still load.
 */
export default function setup(project: TestProject): void {
  ensureBuild();
  project.onTestsRerun(async () => ensureBuild());
}

function ensureBuild(): void {
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
}
