import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { ClientAccount } from './distributor.js';
import { findExecutable } from './peer.js';
import { type Program, startProgram } from './program.js';
import { temporaryFolder } from './xmpp-server.js';

const executable = findExecutable('go-sendxmpp');

/** True if go-sendxmpp is installed. */
export const hasGoSendxmpp = executable !== undefined;

type TrustingAccount = Omit<ClientAccount, 'resource'> & { readonly certificate: string };

/** Sends a message, after STARTTLS with the account's certificate as the one that is trusted; rejects if it fails. */
export async function sendByGo(account: TrustingAccount, to: string, message: string): Promise<void> {
  await withHome(async (home) => {
    const child = spawn(executable ?? '', [...login(account), to], { env: environment(home, account) });
    child.stdin.end(`${message}\n`);
    const [[code], log] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    if (code !== 0) throw new Error(`go-sendxmpp ended with ${code}:\n${log}`);
  });
}

/** Logs in as `sendByGo` does and prints what arrives, while `use` works with the program. */
export async function listeningByGo(
  account: TrustingAccount,
  use: (program: Program) => Promise<void>,
): Promise<void> {
  await withHome(async (home) => {
    const args = [...login(account), '--listen'];
    const program = startProgram({ command: executable ?? '', args, env: environment(home, account) });
    try {
      await use(program);
    } finally {
      await program.kill();
    }
  });
}

async function withHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = await temporaryFolder('go-sendxmpp');
  try {
    await use(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function login({ user, domain, password, port }: TrustingAccount): string[] {
  return ['--username', `${user}@${domain}`, '--password', password, '--jserver', `127.0.0.1:${port}`];
}

function environment(home: string, { certificate }: TrustingAccount) {
  return { HOME: home, SSL_CERT_FILE: certificate, SSL_CERT_DIR: home };
}
