import { type ChildProcess, spawn } from 'node:child_process';
import { waitFor } from './net.js';

/** How a program is started: no shell, output collected. */
export interface ProgramSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A child process that the test owns. */
export interface Program {
  readonly pid: number;
  /** False when the process has ended and all that it wrote is in `output`. */
  readonly isRunning: boolean;
  /** Null while the process runs, and if a signal ended it. */
  readonly exitCode: number | null;
  /** The last part of standard output and standard error, in order of arrival. */
  output(): string;
  /**
   * Sends the signal and resolves when the process is gone; at once if it already is. One that ignores the signal for
   * 30 seconds is killed.
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const keptOutput = 200_000;

/** Starts a program that dies with this process at the latest. */
export function startProgram({ command, args, env = {}, cwd }: ProgramSpec): Program {
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`could not start ${command}`);
  let output = '';
  const collect = (chunk: string) => {
    output = (output + chunk).slice(-keptOutput);
  };
  // Decoded as streams: what comes may end within a character.
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  let isRunning = true;
  const ended = endOf(child).then(() => {
    isRunning = false;
  });
  return {
    pid,
    get isRunning() {
      return isRunning;
    },
    get exitCode() {
      return isRunning ? null : child.exitCode;
    },
    output: () => output,
    async kill(signal = 'SIGTERM') {
      child.kill(signal);
      const impatience = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await ended;
      clearTimeout(impatience);
    },
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  const killOrphan = () => child.kill('SIGKILL');
  process.once('exit', killOrphan);
  await new Promise((resolve) => child.once('exit', resolve));
  process.off('exit', killOrphan);
  // Its last words are in the pipes by now, and are read in the next turn. The end of the pipes would be too late: a process that
  // it has left behind may keep them open.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until `isReady`; if the program ends before or is not ready in time, the error shows its output. */
export async function waitUntilReady(
  what: string,
  program: Program,
  isReady: () => boolean | Promise<boolean>,
): Promise<void> {
  try {
    await waitFor(`${what} to be ready`, async () => !program.isRunning || (await isReady()), {
      timeout: 60_000,
      interval: 50,
    });
  } catch (error) {
    await program.kill('SIGKILL');
    throw new Error(`${what} is not ready:\n${program.output()}`, { cause: error });
  }
  if (!program.isRunning) throw new Error(`${what} ended at its start:\n${program.output()}`);
}
