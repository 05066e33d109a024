import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/problem.js';
import { readVersion } from '../version.js';
import { checkConfig, printSchema } from './commands/config.js';
import { type DemoOptions, demo } from './commands/demo.js';
import { doctor } from './commands/doctor.js';
import { askAboutDevices, type PushAction } from './commands/push.js';
import { serve } from './commands/serve.js';
import { changeUser, listUsers, type UserAction } from './commands/user.js';
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
    .description(
      'Push server for XMPP: a UnifiedPush provider, as XMPP server by itself or as a component of another.',
    )
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

  program
    .command('demo')
    .description(
      'start a server and a client on free ports, print an endpoint, and show each push that arrives',
    )
    .option('--once', 'send one push, show it, and end')
    .action(async (options: DemoOptions) => end(await demo(options, io)));

  addUserCommands(program.command('user'), io, end);
  addPushCommands(program.command('push'), io, end);

  withConfig(program.command('doctor'))
    .description('check what operators get wrong, a line for each; exit 1 if anything fails')
    .action(async (options: ConfigOption) => end(await doctor(options, io)));
  return program;
}

function addUserCommands(user: Command, io: Io, end: (exitCode: number) => void): void {
  user.description('accounts of the embedded server, whether it runs or not');
  const describe: Readonly<Record<UserAction, string>> = {
    add: 'make an account; its password is typed, or a line of standard input',
    passwd: 'give an account another password',
    remove: 'remove an account and all that it keeps, and end its sessions',
  };
  for (const action of ['add', 'passwd', 'remove'] as const) {
    withConfig(user.command(`${action} <jid>`))
      .description(describe[action])
      .action(async (jid: string, options: ConfigOption) => end(await changeUser(action, jid, options, io)));
  }
  withConfig(user.command('list'))
    .description('print the addresses of all accounts')
    .action(async (options: ConfigOption) => end(await listUsers(options, io)));
}

function addPushCommands(push: Command, io: Io, end: (exitCode: number) => void): void {
  push.description('devices that are told of messages while they sleep, of a server that runs');
  const describe: Readonly<Record<PushAction, string>> = {
    ping: 'have all devices of an account told something now, a line for each; exit 1 if none could be',
    list: "print an account's devices: by whom they are told, since when, and how that goes",
  };
  for (const action of ['ping', 'list'] as const) {
    withConfig(push.command(`${action} <jid>`))
      .description(describe[action])
      .action(async (jid: string, options: ConfigOption) =>
        end(await askAboutDevices(action, jid, options, io)),
      );
  }
}

function withConfig(command: Command): Command {
  return command.option('-c, --config <file>', 'configuration file (default: belfry.yaml, if it exists)');
}
