import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateFiles } from './certificate.js';
import { freePort } from './net.js';
import { findExecutable } from './peer.js';
import type { Program } from './program.js';
import {
  domainsOf,
  type FederationOptions,
  runServer,
  splitJid,
  temporaryFolder,
  type WebSocketServer,
  type XmppServerOptions,
} from './xmpp-server.js';

const erlang = findExecutable('erl');
const libraries = findLibraries();

/** True if ejabberd and the Erlang that runs it are installed. */
export const hasEjabberd = erlang !== undefined && libraries !== undefined;

/** The folder of Erlang libraries that holds ejabberd: on Debian `/usr/lib/<machine>`. */
function findLibraries(): string | undefined {
  const candidates = ['/usr/lib', ...entries('/usr/lib'), '/usr/local/lib', '/opt/ejabberd/lib'];
  return candidates.find((folder) => entries(folder).some((path) => /\/ejabberd-\d[^/]*$/.test(path)));
}

/** The paths in a folder; none if it is absent or no folder. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

type Ports = Readonly<Record<'c2sPort' | 'componentPort' | 'directTlsPort' | 'http', number>>;

/** What the start-up script prints when ejabberd runs and the accounts exist. */
const readyMark = 'accounts-are-there';

export interface EjabberdOptions extends XmppServerOptions {
  /** Further modules, with their options. */
  readonly modules?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * Starts an ejabberd in the foreground. It runs as an Erlang node without a name, so that it needs no port mapper and
 * meets no other node; components are checked as by default (`check_from`).
 */
export async function startEjabberd(options: EjabberdOptions): Promise<WebSocketServer> {
  if (erlang === undefined || libraries === undefined) throw new Error('ejabberd is not installed');
  const folder = await temporaryFolder('ejabberd');
  const ports: Ports = {
    c2sPort: await freePort(),
    componentPort: await freePort(),
    directTlsPort: await freePort(),
    http: await freePort(),
  };
  await mkdir(join(folder, 'spool'));
  const configurationFile = join(folder, 'ejabberd.yml');
  await writeFile(configurationFile, await configuration(folder, ports, options));
  const script = join(folder, 'start.erl');
  await writeFile(script, startScript(options));
  const server = {
    name: 'ejabberd',
    folder,
    program: {
      command: erlang,
      args: [
        ...['+K', 'true', '+P', '250000', '-noinput', '-mnesia', 'dir', `"${join(folder, 'spool')}"`],
        ...['-eval', `ok = file:eval(${JSON.stringify(script)}).`],
      ],
      cwd: folder,
      env: {
        ERL_LIBS: libraries,
        EJABBERD_CONFIG_PATH: configurationFile,
        EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
        ERL_CRASH_DUMP_SECONDS: '0',
        ...(options.federation && { ERL_INETRC: await writeResolver(folder, options.federation) }),
      },
    },
    isReady: (running: Program) => running.output().includes(readyMark),
  };
  const { http, ...rest } = ports;
  const webSocketUrl = `ws://127.0.0.1:${http}/xmpp-websocket`;
  return runServer(server, { accounts: options.accounts, ...rest, webSocketUrl });
}

function startScript({ accounts }: XmppServerOptions): string {
  const register = Object.entries(accounts).map(([jid, password]) => {
    const { local, domain } = splitJid(jid);
    return `ejabberd_auth:try_register(${erl(local)}, ${erl(domain)}, ${erl(password)})`;
  });
  const steps = ['{ok, _} = ejabberd:start()', ...register, `io:format("${readyMark}~n")`];
  return `${steps.join(', ')}.`;
}

/** A binary as Erlang literal; JSON's escapes of printable ASCII are Erlang's. */
function erl(text: string): string {
  return `<<${JSON.stringify(text)}>>`;
}

const webSockets = { '/xmpp-websocket': 'ejabberd_http_ws' };

/** ejabberd reads YAML, of which JSON is a part. */
async function configuration(folder: string, ports: Ports, options: EjabberdOptions): Promise<string> {
  const components = Object.entries(options.components ?? {});
  const listener = { ip: '127.0.0.1' };
  const clients = { ...listener, module: 'ejabberd_c2s', access: 'c2s', starttls: false };
  const { directTls } = options;
  const directTlsListeners =
    directTls === undefined
      ? []
      : [{ ...clients, port: ports.directTlsPort, tls: true, certfile: await joined(folder, directTls) }];
  return JSON.stringify({
    hosts: domainsOf(options.accounts),
    loglevel: 'info',
    auth_method: 'internal',
    auth_password_format: options.hashedPasswords === true ? 'scram' : 'plain',
    disable_sasl_mechanisms: ['digest-md5', 'X-OAUTH2'],
    acl: { local: { user_regexp: '' } },
    ...(await federation(folder, options.federation)),
    access_rules: { local: { allow: 'local' }, c2s: { allow: 'all' } },
    listen: [
      { ...clients, port: ports.c2sPort },
      ...directTlsListeners,
      ...(options.webSocket === true
        ? [{ ...listener, port: ports.http, module: 'ejabberd_http', request_handlers: webSockets }]
        : []),
      ...(options.federation === undefined
        ? []
        : [{ ...listener, port: options.federation.port, module: 'ejabberd_s2s_in' }]),
      {
        ...listener,
        port: ports.componentPort,
        module: 'ejabberd_service',
        // By default a connection takes the stanzas of every name of its listener, not only of its own.
        global_routes: false,
        hosts: Object.fromEntries(components.map(([jid, password]) => [jid, { password }])),
      },
    ],
    modules: {
      ...{ mod_disco: {}, mod_ping: {}, mod_roster: {} },
      ...(options.federation && { mod_s2s_dialback: {} }),
      ...options.modules,
    },
  });
}

async function federation(folder: string, options: FederationOptions | undefined): Promise<object> {
  if (options === undefined) return { s2s_access: 'none' };
  const { certificate, authority } = options;
  return {
    s2s_access: 'all',
    s2s_use_starttls: 'required',
    outgoing_s2s_families: ['ipv4'],
    certfiles: [await joined(folder, certificate)],
    ...(authority !== undefined && { ca_file: authority, s2s_cafile: authority }),
  };
}

/** Erlang asks that DNS server alone, and not those of the machine. */
async function writeResolver(folder: string, { dnsPort }: FederationOptions): Promise<string> {
  const file = join(folder, 'inetrc');
  const nameserver = `{nameserver, {127,0,0,1}, ${dnsPort}}`;
  const lines = ['{resolv_conf, ""}', '{hosts_file, ""}', '{lookup, [dns]}', nameserver, '{edns, false}'];
  await writeFile(file, lines.map((line) => `${line}.\n`).join(''));
  return file;
}

/** ejabberd wants certificate and key in one file. */
async function joined(folder: string, { cert, key }: CertificateFiles): Promise<string> {
  const file = join(folder, 'certificate.pem');
  await writeFile(file, (await readFile(cert, 'utf8')) + (await readFile(key, 'utf8')), { mode: 0o600 });
  return file;
}
