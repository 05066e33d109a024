import { execFile, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ConnectClient } from './distributor.js';
import { overLines } from './line-client.js';
import { type Program, startProgram, waitUntilReady } from './program.js';

const script = fileURLToPath(new URL('slixmpp_client.py', import.meta.url));

/** A Python that has slixmpp. Debian installs that for its own Python, which need not be the first on PATH. */
export const python = ['/usr/bin/python3', 'python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import slixmpp']).status === 0,
);

/** True if a Python with slixmpp is installed. */
export const hasSlixmpp = python !== undefined;

/** A component by slixmpp that echoes messages (XEP-0114), in a process of its own; resolves when it is attached. */
export async function startSlixmppComponent(jid: string, secret: string, port: number): Promise<Program> {
  if (python === undefined) throw new Error('slixmpp is not installed');
  const script = fileURLToPath(new URL('slixmpp_component.py', import.meta.url));
  const program = startProgram({ command: python, args: [script, jid, secret, '127.0.0.1', String(port)] });
  await waitUntilReady('the component', program, () => program.output().includes('attached'));
  return program;
}

interface Login {
  readonly jid: string;
  readonly password: string;
  readonly port: number;
}

/** What slixmpp's plugins find in an account's archive, as they say it. */
export function readArchiveBySlixmpp(login: Login, contact: string): Promise<unknown> {
  return findBySlixmpp('slixmpp_archive.py', login, contact);
}

/** What slixmpp's plugins find among the commands of an entity, as they say it. */
export function visitCommandsBySlixmpp(login: Login, entity: string): Promise<unknown> {
  return findBySlixmpp('slixmpp_commands.py', login, entity);
}

async function findBySlixmpp(
  file: string,
  { jid, password, port }: Login,
  subject: string,
): Promise<unknown> {
  if (python === undefined) throw new Error('slixmpp is not installed');
  const script = fileURLToPath(new URL(file, import.meta.url));
  const args = [script, jid, password, '127.0.0.1', String(port), subject];
  const { stdout } = await promisify(execFile)(python, args, { timeout: 60_000 });
  return JSON.parse(stdout);
}

/** A client by slixmpp, in a process of its own. */
export const connectSlixmpp: ConnectClient = (account, onStanza) => {
  if (python === undefined) throw new Error('slixmpp is not installed');
  const { user, domain, resource, port, password, certificate, host, comesBack, launcher = [] } = account;
  const [command = python, ...args] = [
    ...[...launcher, python, script, `${user}@${domain}/${resource}`, password],
    ...[host ?? '127.0.0.1', String(port)],
    ...(certificate === undefined ? [] : ['--certificate', certificate]),
    ...(comesBack === true ? ['--comes-back'] : []),
  ];
  return overLines('slixmpp', spawn(command, args), onStanza);
};
