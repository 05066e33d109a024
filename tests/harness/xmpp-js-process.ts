import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Element } from '../../src/xmpp/element.js';
import type { ClientAccount, ClientStream } from './distributor.js';
import { overLines } from './line-client.js';

const program = fileURLToPath(new URL('xmpp-js-child.ts', import.meta.url));

/** A client by xmpp.js in a process of its own; trusts the account's certificate, if it has one, beside the world's. */
export function startXmppJs(
  service: string,
  { certificate, user, domain, password, resource }: Omit<ClientAccount, 'port'>,
  onStanza: (stanza: Element) => void,
): Promise<ClientStream> {
  const account = JSON.stringify({ user, domain, password, resource });
  // Node 20 has WebSockets behind a flag, which later ones take too.
  const flags = ['--import', 'tsx', '--experimental-websocket'];
  const child = spawn(process.execPath, [...flags, program, service, account], {
    env: { ...process.env, ...(certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate }) },
  });
  return overLines('xmpp.js', child, onStanza);
}
