import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificateFiles } from './certificate.js';
import { type Program, type ProgramSpec, startProgram, waitUntilReady } from './program.js';

/** What every real XMPP server of the tests is asked for. */
export interface XmppServerOptions {
  /**
   * Accounts: bare JID → password. Their domains are what the server serves; clients connect to 127.0.0.1 whatever
   * those are called.
   */
  readonly accounts: Readonly<Record<string, string>>;
  /** XEP-0114 components: JID → secret. */
  readonly components?: Readonly<Record<string, string>>;
  /** Given, the server takes connections with TLS from the first byte on a port of its own, with this certificate. */
  readonly directTls?: CertificateFiles | undefined;
  /** Given, the server talks with others. */
  readonly federation?: FederationOptions | undefined;
  /** The server takes WebSockets on a port of its own, of pages from anywhere (RFC 7395). */
  readonly webSocket?: boolean | undefined;
  /** Passwords are kept as SCRAM keys, as servers do by default, and not as they are. */
  readonly hashedPasswords?: boolean | undefined;
}

/** How a server of the tests talks with others: on one port, encrypted. */
export interface FederationOptions {
  readonly port: number;
  readonly certificate: CertificateFiles;
  /** File with the authority that it trusts; without one, others authenticate by dialback. */
  readonly authority?: string | undefined;
  /** Port of the DNS server on 127.0.0.1 that it asks. */
  readonly dnsPort: number;
}

/** The life of a process that keeps its ports and its folder over restarts. */
export interface ServerLife {
  /** The process id of the running (or last) incarnation. */
  readonly pid: number;
  /** What that incarnation ended with; null while it runs, and if a signal ended it. */
  readonly exitCode: number | null;
  log(): string;
  /** Ends the process; data and ports stay reserved for `restart`. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts again on the same data and ports, ending the running process first if there is one; `env` is added. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** A real XMPP server with its own configuration, data folder and ports; nothing of an installed one is touched. */
export interface XmppServer extends ServerLife {
  readonly accounts: Readonly<Record<string, string>>;
  readonly c2sPort: number;
  readonly componentPort: number;
  /** Nothing listens there unless `directTls` was given. */
  readonly directTlsPort: number;
}

/** One that takes WebSockets, if `webSocket` was given. */
export interface WebSocketServer extends XmppServer {
  readonly webSocketUrl: string;
}

export interface ServerProcess {
  readonly name: string;
  readonly folder: string;
  readonly program: ProgramSpec;
  isReady(running: Program): boolean | Promise<boolean>;
}

/** The life of a server process in its folder, the same for every make; `facts` are added to it. */
export async function runServer<Facts extends object>(
  server: ServerProcess,
  facts: Facts,
): Promise<ServerLife & Facts> {
  const start = async (env: Readonly<Record<string, string>> = {}) => {
    const program = startProgram({ ...server.program, env: { ...server.program.env, ...env } });
    await waitUntilReady(server.name, program, () => server.isReady(program));
    return program;
  };
  const removeFolder = () => rm(server.folder, { recursive: true, force: true });
  let running = await start().catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  return {
    ...facts,
    get pid() {
      return running.pid;
    },
    get exitCode() {
      return running.exitCode;
    },
    log: () => running.output(),
    kill: (signal) => running.kill(signal),
    async restart(env) {
      await running.kill();
      running = await start(env);
    },
    async stop() {
      await running.kill();
      await removeFolder();
    },
  };
}

/** The domains of some accounts, each once. */
export function domainsOf(accounts: Readonly<Record<string, string>>): string[] {
  return [...new Set(Object.keys(accounts).map((jid) => splitJid(jid).domain))];
}

/** Local part, domain and resource of a JID that the test itself wrote. */
export function splitJid(jid: string): { local: string; domain: string; resource: string } {
  const {
    local,
    domain,
    resource = '',
  } = /^(?<local>.+)@(?<domain>[^/]+)(\/(?<resource>.*))?$/.exec(jid)?.groups ?? {};
  if (local === undefined || domain === undefined) throw new Error(`${jid} is not the JID of an account`);
  return { local, domain, resource };
}

/** A new empty folder that only this test uses. */
export function temporaryFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `belfry-${name}-`));
}

/** True if something listens on that port of 127.0.0.1. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
