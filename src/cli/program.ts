import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/problem.js';
import { readVersion } from '../version.js';
import { checkConfig, printSchema } from './commands/config.js';
import { doctor } from './commands/doctor.js';
import { serve } from './commands/serve.js';
import { explainFailure } from './explain-failure.js';
import type { ConfigOption, Io } from './io.js';

/** Exit codes: done; the work or the configuration failed; the command line makes no sense. */
const failure = 1;
const usageError = 2;

/** Runs a command line, without the program's own name; answers the exit code and never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const end = (code: number) => {
    exitCode = code;
  };
  try {
    await createProgram(io, end).parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageError;
    if (error instanceof ConfigError) for (const line of error.lines) io.err(line);
    else io.err(`belfry: ${explainFailure(error)}`);
    return failure;
  }
}

function createProgram(io: Io, end: (exitCode: number) => void): Command {
  const program = new Command('belfry')
    .description('Push server for XMPP: a UnifiedPush provider, as a component of another XMPP server.')
    .version(readVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    });

  withConfig(program.command('serve'))
    .description('run in the foreground until SIGINT or SIGTERM; SIGHUP reads the configuration again')
    .action(async (options: ConfigOption) => end(await serve(options, io)));

  const config = program.command('config').description('the configuration file');
  withConfig(config.command('check'))
    .description('say whether serve would take the configuration, and what is wrong with it')
    .action((options: ConfigOption) => end(checkConfig(options, io)));
  config
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .action(() => end(printSchema(io)));

  withConfig(program.command('doctor'))
    .description('check storage, component, public URL, TLS and clock; exit 1 if one of them fails')
    .action(async (options: ConfigOption) => end(await doctor(options, io)));
  return program;
}

function withConfig(command: Command): Command {
  return command.option('-c, --config <file>', 'configuration file (default: belfry.yaml, if it exists)');
}
