import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentialsFor } from '../../src/hosts/standalone/sasl/credentials.js';
import type { Credentials } from '../../src/hosts/standalone/store.js';
import { openStorage } from '../../src/storage/open.js';
import { answersOk } from './belfry.js';
import { freePort } from './net.js';
import { main } from './run-belfry.js';
import {
  domainsOf,
  runServer,
  temporaryFolder,
  type XmppServer,
  type XmppServerOptions,
} from './xmpp-server.js';

export interface StandaloneOptions extends Pick<XmppServerOptions, 'accounts' | 'directTls' | 'components'> {
  /** Further keys of `standalone`. */
  readonly standalone?: Readonly<Record<string, unknown>>;
  /** Keys of `unified_push`. */
  readonly unifiedPush?: Readonly<Record<string, unknown>>;
  /** Further keys of the configuration. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** The URL of an empty PostgreSQL database, instead of a file of its own. */
  readonly storage?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it listens: 127.0.0.1, if it is not said. */
  readonly address?: string;
}

/** The built program as XMPP server, in a process of its own. */
export interface StandaloneServer extends XmppServer {
  readonly domain: string;
  readonly httpBase: string;
  /** The file with the certificate (PEM), which it has made itself unless one was given. */
  readonly certificateFile: string;
  /** The configuration file, for other commands of the program. */
  readonly configFile: string;
}

/**
 * Starts `belfry serve` as XMPP server of the accounts' one domain, on ports of its own: encryption is
 * allowed and not required, there is no federation unless asked for, and no limit stops a test or a benchmark that connects
 * often from one address.
 */
export async function startStandalone(options: StandaloneOptions): Promise<StandaloneServer> {
  const folder = await temporaryFolder('standalone');
  const ports = {
    c2sPort: await freePort(),
    directTlsPort: await freePort(),
    componentPort: await freePort(),
    http: await freePort(),
  };
  const { http, ...own } = ports;
  const [domain = 'localhost'] = domainsOf(options.accounts);
  const configFile = join(folder, 'belfry.yaml');
  await writeFile(configFile, JSON.stringify(configuration(folder, domain, ports, options)));
  await writeAccounts(join(folder, 'data'), options);
  const httpBase = `http://127.0.0.1:${http}`;
  const server = {
    name: 'belfry standalone',
    folder,
    program: {
      command: process.execPath,
      args: [main, 'serve', '--config', configFile],
      cwd: folder,
      env: options.env ?? {},
    },
    isReady: () => answersOk(`${httpBase}/readyz`),
  };
  const { accounts } = options;
  const certificateFile = options.directTls?.cert ?? join(folder, 'data', 'tls.crt');
  const facts = { domain, httpBase, certificateFile, configFile };
  return runServer(server, { accounts, ...own, ...facts });
}

function configuration(
  folder: string,
  domain: string,
  ports: Readonly<Record<'c2sPort' | 'directTlsPort' | 'componentPort' | 'http', number>>,
  { standalone, unifiedPush, directTls, components, storage, more, address = '127.0.0.1' }: StandaloneOptions,
) {
  return {
    host: 'standalone',
    domain,
    data_dir: join(folder, 'data'),
    ...(storage !== undefined && { storage }),
    standalone: {
      c2s: `${address}:${ports.c2sPort}`,
      c2s_direct_tls: `${address}:${ports.directTlsPort}`,
      require_encryption: false,
      s2s: false,
      rate_limit: 0,
      max_connections_per_address: 1_000_000,
      ...(directTls === undefined ? {} : { tls: directTls }),
      ...(components === undefined
        ? {}
        : { components: { listen: `127.0.0.1:${ports.componentPort}`, secrets: components } }),
      ...standalone,
    },
    http: { listen: `${address}:${ports.http}`, public_url: `http://127.0.0.1:${ports.http}` },
    unified_push: { ...unifiedPush },
    log: { format: 'json' },
    ...more,
  };
}

/** Writes the accounts straight into the database, with one set of keys for each password: thousands take no time. */
async function writeAccounts(dataDir: string, { accounts, storage: url }: StandaloneOptions): Promise<void> {
  await mkdir(dataDir, { mode: 0o700 });
  const file = join(dataDir, 'belfry.sqlite');
  const config =
    url === undefined ? ({ kind: 'sqlite', file } as const) : ({ kind: 'postgres', url } as const);
  const storage = await openStorage(config, { events: { storageFailed() {} } });
  const keys = new Map<string, Credentials>();
  for (const password of new Set(Object.values(accounts))) {
    keys.set(password, await credentialsFor(password, randomBytes));
  }
  await Promise.all(
    Object.entries(accounts).map(([jid, password]) => {
      const credentials = keys.get(password);
      return credentials && storage.standalone.accounts.create(jid, credentials);
    }),
  );
  await storage.close();
}
