import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ConnectClient } from './distributor.js';
import { overLines } from './line-client.js';

const script = fileURLToPath(new URL('slixmpp_client.py', import.meta.url));

/** Debian installs slixmpp for its own Python, which need not be the first on PATH. */
const python = ['/usr/bin/python3', 'python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import slixmpp']).status === 0,
);

/** True if a Python with slixmpp is installed. */
export const hasSlixmpp = python !== undefined;

/** A client by slixmpp, in a process of its own. */
export const connectSlixmpp: ConnectClient = (account, onStanza) => {
  if (python === undefined) throw new Error('slixmpp is not installed');
  const { user, domain, resource, port, password, certificate } = account;
  const args = [script, String(port), `${user}@${domain}/${resource}`, password];
  const child = spawn(python, certificate === undefined ? args : [...args, certificate]);
  return overLines('slixmpp', child, onStanza);
};
