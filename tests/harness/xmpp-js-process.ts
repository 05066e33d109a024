import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Element } from '../../src/xmpp/element.js';
import type { ClientAccount, ClientStream } from './distributor.js';
import { overLines } from './line-client.js';

const program = fileURLToPath(new URL('xmpp-js-child.ts', import.meta.url));

/** A client by xmpp.js in a process of its own; trusts the account's certificate, if it has one, beside the world's. */
export function startXmppJs(
  service: string,
  account: Omit<ClientAccount, 'port' | 'host'>,
  onStanza: (stanza: Element) => void,
): Promise<ClientStream> {
  const { certificate, launcher = [], comesBack = false, user, domain, password, resource } = account;
  const asJson = JSON.stringify({ user, domain, password, resource, comesBack });
  // Node 20 has WebSockets behind a flag, which later ones take too.
  const flags = ['--import', 'tsx', '--experimental-websocket'];
  const [command = '', ...args] = [...launcher, process.execPath, ...flags, program, service, asJson];
  const child = spawn(command, args, {
    env: { ...process.env, ...(certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate }) },
  });
  return overLines('xmpp.js', child, onStanza);
}
