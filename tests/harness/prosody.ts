import { createHash, createHmac, pbkdf2Sync, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './net.js';
import { findExecutable } from './peer.js';
import {
  domainsOf,
  type FederationOptions,
  listens,
  runServer,
  splitJid,
  temporaryFolder,
  type WebSocketServer,
  type XmppServerOptions,
} from './xmpp-server.js';

const executable = findExecutable('prosody');

/** True if Prosody is installed. */
export const hasProsody = executable !== undefined;

/** True if Prosody's own UnifiedPush provider is installed, in the folder of Debian's prosody-modules. */
export const hasUnifiedPushModule = existsSync('/usr/lib/prosody/modules/mod_unified_push');

export interface ProsodyOptions extends XmppServerOptions {
  /** Further modules of the domain. */
  readonly modules?: readonly string[];
  /** Further options of all hosts, as text of the configuration file. */
  readonly settings?: string;
  /** The JID of a service for rooms (XEP-0045) that everybody may open rooms at. */
  readonly rooms?: string;
  /** Hosts of Prosody's own mod_unified_push: JID → its options, as text of the configuration file. */
  readonly unifiedPush?: Readonly<Record<string, string>>;
}

type Ports = Readonly<Record<'c2s' | 'component' | 'http' | 'directTls', number>>;

/** Starts a Prosody in the foreground: no STARTTLS, no federation unless wanted, SASL PLAIN and SCRAM in the clear on loopback. */
export async function startProsody(options: ProsodyOptions): Promise<WebSocketServer> {
  if (executable === undefined) throw new Error('prosody is not installed');
  const folder = await temporaryFolder('prosody');
  const ports: Ports = {
    c2s: await freePort(),
    component: await freePort(),
    http: await freePort(),
    directTls: await freePort(),
  };
  await writeAccounts(join(folder, 'data'), options);
  await writeFile(join(folder, 'prosody.cfg.lua'), configuration(folder, ports, options));
  const wanted = [ports.c2s];
  if (options.components !== undefined) wanted.push(ports.component);
  if (options.unifiedPush !== undefined || options.webSocket) wanted.push(ports.http);
  if (options.directTls !== undefined) wanted.push(ports.directTls);
  if (options.federation !== undefined) wanted.push(options.federation.port);
  const server = {
    name: 'prosody',
    folder,
    program: { command: executable, args: ['-F', '--config', join(folder, 'prosody.cfg.lua')] },
    isReady: async () => (await Promise.all(wanted.map(listens))).every(Boolean),
  };
  const { accounts } = options;
  return runServer(server, {
    accounts,
    c2sPort: ports.c2s,
    componentPort: ports.component,
    directTlsPort: ports.directTls,
    webSocketUrl: `ws://127.0.0.1:${ports.http}/xmpp-websocket`,
  });
}

async function writeAccounts(data: string, options: ProsodyOptions): Promise<void> {
  const { accounts, hashedPasswords = false } = options;
  const entries = new Map(
    [...new Set(Object.values(accounts))].map((password) => [
      password,
      hashedPasswords ? hashedEntry(password) : `["password"] = ${lua(password)};`,
    ]),
  );
  for (const [jid, password] of Object.entries(accounts)) {
    const { local, domain } = splitJid(jid);
    const folder = join(data, encodeName(domain), 'accounts');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${encodeName(local)}.dat`), `return { ${entries.get(password)} };\n`);
  }
}

/** The keys that mod_auth_internal_hashed keeps; the iteration count is its default. */
function hashedEntry(password: string): string {
  const [salt, iterations] = [randomUUID(), 10_000];
  const salted = pbkdf2Sync(password, salt, iterations, 20, 'sha1');
  const hmac = (text: string) => createHmac('sha1', salted).update(text).digest();
  const storedKey = createHash('sha1').update(hmac('Client Key')).digest('hex');
  const serverKey = hmac('Server Key').toString('hex');
  return `salt = "${salt}"; iteration_count = ${iterations}; stored_key = "${storedKey}"; server_key = "${serverKey}";`;
}

/** File names of Prosody's internal storage: everything but letters and digits is percent-encoded. */
function encodeName(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** libunbound refuses servers on the machine itself unless it is told otherwise. */
function federation(options: FederationOptions | undefined): string {
  if (options === undefined) return 'modules_disabled = { "s2s"; "tls" }';
  const { port, certificate, authority, dnsPort } = options;
  const trust = authority === undefined ? '' : `cafile = ${lua(authority)};`;
  return `
s2s_ports = { ${port} }
s2s_require_encryption = true
s2s_secure_auth = ${authority !== undefined}
ssl = { certificate = ${lua(certificate.cert)}; key = ${lua(certificate.key)}; ${trust} }
use_ipv6 = false
unbound = {
  resolvconf = false; hoststxt = false; forward = { "127.0.0.1@${dnsPort}" };
  options = { ["do-not-query-localhost:"] = "no" };
}`;
}

/** A string as Lua literal; JSON's escapes of printable ASCII are Lua's. */
function lua(text: string): string {
  return JSON.stringify(text);
}

function configuration(folder: string, ports: Ports, options: ProsodyOptions): string {
  const { directTls } = options;
  const federated = options.federation === undefined ? [] : ['tls', 'dialback', 's2s_bidi'];
  const webSocket = options.webSocket === true ? ['websocket'] : [];
  const more = [...federated, ...webSocket, ...(options.modules ?? [])];
  const modules = ['roster', 'saslauth', 'disco', 'ping', ...more];
  const domains = domainsOf(options.accounts);
  const hosts = domains.map((domain) => `VirtualHost ${lua(domain)}`);
  const components = Object.entries(options.components ?? {}).map(
    ([jid, secret]) => `Component ${lua(jid)}\n  component_secret = ${lua(secret)}`,
  );
  const rooms =
    options.rooms === undefined ? '' : `Component ${lua(options.rooms)} "muc"\n  muc_room_locking = false`;
  const unifiedPush = Object.entries(options.unifiedPush ?? {}).map(
    ([jid, settings]) => `Component ${lua(jid)} "unified_push"\n  ${settings}`,
  );
  return `
run_as_root = true
data_path = ${lua(join(folder, 'data'))}
network_backend = "epoll"
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = { ${ports.c2s} }
c2s_direct_tls_ports = { ${directTls === undefined ? '' : ports.directTls} }
${directTls === undefined ? '' : `c2s_direct_tls_ssl = { certificate = ${lua(directTls.cert)}; key = ${lua(directTls.key)} }`}
component_ports = { ${ports.component} }
http_ports = { ${ports.http} }
https_ports = { }
http_interfaces = { "127.0.0.1" }
${options.webSocket === true ? `http_default_host = ${lua(domains[0] ?? '')}` : ''}
modules_enabled = { ${modules.map(lua).join('; ')} }
${federation(options.federation)}
authentication = "${options.hashedPasswords === true ? 'internal_hashed' : 'internal_plain'}"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
${options.settings ?? ''}
${hosts.join('\n')}
${components.join('\n')}
${rooms}
${unifiedPush.join('\n')}
`;
}
