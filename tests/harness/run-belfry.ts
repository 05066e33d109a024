import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The built program. */
export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface RunResult {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of the built program to its end, with that on its standard input. */
export async function runBelfry(
  args: readonly string[],
  { input = '', cwd }: { readonly input?: string; readonly cwd?: string } = {},
): Promise<RunResult> {
  const child = spawn(process.execPath, [main, ...args], { ...(cwd !== undefined && { cwd }) });
  // A command that needs no input may be gone before it was written.
  child.stdin.on('error', () => undefined).end(input);
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, out, err };
}
