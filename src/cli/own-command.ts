import { basename, isAbsolute, relative } from 'node:path';

/** How this process was started, as far as another command line has to say the same. */
export interface Start {
  /** The script that Node runs: `process.argv[1]`. */
  readonly script: string | undefined;
  readonly cwd: string;
  /** What `--config` said. */
  readonly config: string | undefined;
}

/** A command line of this very program for a shell in the same folder: a checkout has no `belfry` on the path. */
export function ownCommand(words: readonly string[], { script, cwd, config }: Start): string {
  const option = config === undefined ? [] : ['--config', config];
  return [...program(script, cwd), ...words, ...option].map(quote).join(' ');
}

function program(script: string | undefined, cwd: string): string[] {
  if (script === undefined || basename(script) === 'belfry') return ['belfry'];
  const path = relative(cwd, script);
  return ['node', path.startsWith('..') || isAbsolute(path) ? script : path];
}

function quote(word: string): string {
  return /^[\p{L}\p{N}@%+=:,./_-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
