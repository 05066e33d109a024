import { execFile } from 'node:child_process';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClientAccount } from './distributor.js';
import { waitFor } from './net.js';
import { findExecutable } from './peer.js';
import { startProgram } from './program.js';
import { temporaryFolder } from './xmpp-server.js';

const executables = {
  profanity: findExecutable('profanity'),
  tmux: findExecutable('tmux'),
  openssl: findExecutable('openssl'),
};

/** Which of the programs that this needs are installed. */
export const profanityPeers = Object.fromEntries(
  Object.entries(executables).map(([name, path]) => [name, path !== undefined]),
);

const run = promisify(execFile);

/** The chat program profanity in a terminal of its own. */
export interface Profanity {
  /** Types a line and presses enter. */
  type(line: string): Promise<void>;
  screen(): Promise<string>;
  /** Resolves when the screen shows the text; `line`, if given, is typed as often as it takes: what it shows may be news. */
  shows(text: string, line?: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts profanity, which logs in to the account, with TLS and the account's certificate as the one that it trusts. */
export async function startProfanity(account: ClientAccount & { certificate: string }): Promise<Profanity> {
  const { profanity = '', tmux = '' } = executables;
  const folder = await temporaryFolder('profanity');
  await writeConfiguration(folder, account);
  const socket = join(folder, 'tmux');
  const [command = tmux, ...launch] = [...(account.launcher ?? []), tmux];
  const terminal = startProgram({
    command,
    args: [...launch, '-S', socket, '-f', '/dev/null', '-u', '-D'],
    env: {
      ...{ HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
      ...{ LC_ALL: 'C.UTF-8', TERM: 'xterm', TMUX: '' },
    },
  });
  const control = async (...args: readonly string[]) =>
    (await run(tmux, ['-N', '-S', socket, ...args])).stdout;
  const screen = () => control('capture-pane', '-p');
  const stop = async () => {
    await terminal.kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const size = ['-x', '120', '-y', '50'];
    const start = () => control('new-session', '-d', ...size, profanity, '--account', account.user);
    await waitFor('tmux to listen', () => start().then(...toBoolean), { timeout: 30_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  const type = async (line: string) => {
    await control('send-keys', '-l', line);
    await control('send-keys', 'Enter');
  };
  return {
    screen,
    type,
    async shows(text, line) {
      const isShown = async () => {
        if (line !== undefined) await type(line);
        return (await screen()).includes(text);
      };
      await waitFor(`profanity to show ${text}`, isShown, {
        timeout: 30_000,
        interval: 200,
      }).catch(async (error: unknown) => {
        throw new Error(await screen(), { cause: error });
      });
    },
    stop,
  };
}

/** Whether a promise resolves. */
const toBoolean = [() => true, () => false] as const;

async function writeConfiguration(
  folder: string,
  account: ClientAccount & { certificate: string },
): Promise<void> {
  const { user, domain, password, host = '127.0.0.1', port, resource, certificate, comesBack } = account;
  const [own, trusted] = [join(folder, 'profanity'), join(folder, 'trusted')];
  await mkdir(own);
  await mkdir(trusted);
  await copyFile(certificate, join(trusted, 'certificate.pem'));
  await run(executables.openssl ?? '', ['rehash', trusted]);
  // In seconds; 0 for never.
  const reconnect = comesBack === true ? 1 : 0;
  const connection = `[connection]\ntls.certpath=${trusted}\nreconnect=${reconnect}\n`;
  await writeFile(join(own, 'profrc'), `${connection}[ui]\nsplash=false\n`);
  const settings = {
    ...{ enabled: 'true', jid: `${user}@${domain}`, password, server: host, port, resource },
    ...{ 'tls.policy': 'force', 'presence.login': 'online', 'presence.last': 'online' },
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  await writeFile(join(own, 'accounts'), `[${user}]\n${lines.join('\n')}\n`);
}
