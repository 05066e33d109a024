import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenBackendName } from '../../src/services/unified-push/tokens/backend.js';
import { freePort, waitFor } from './net.js';
import { main } from './run-belfry.js';
import { runServer, type ServerLife, temporaryFolder } from './xmpp-server.js';

/** The settings that a test may change while Belfry runs. */
interface BelfrySettings {
  /** Further keys of `unified_push`. */
  readonly unifiedPush?: Readonly<Record<string, unknown>>;
  /** `info` unless given. */
  readonly logLevel?: string;
  /** Further keys of the configuration. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export interface BelfryOptions extends BelfrySettings {
  /** The component's JID, its secret and the server's component port. */
  readonly component: { readonly jid: string; readonly secret: string; readonly port: number };
  readonly backend: TokenBackendName;
  /** `sqlite` unless given. */
  readonly storage?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where endpoints are said to be, given the port that it listens on; there, unless given. */
  readonly publicUrl?: (port: number) => string;
}

/** The built program, running in a process of its own as component of a real server. */
export interface Belfry extends ServerLife {
  /** The component's JID, at which devices register. */
  readonly jid: string;
  readonly httpBase: string;
  readonly dataFolder: string;
  /** True if it says that it is ready: connected to its XMPP server, and the storage answers. */
  isReady(): Promise<boolean>;
  /** Changes the configuration and sends SIGHUP; resolves when the log says that it was read. */
  reload(settings: BelfrySettings): Promise<void>;
}

/** Starts `belfry serve`, and waits until it is ready. */
export async function startBelfry(options: BelfryOptions): Promise<Belfry> {
  const folder = await temporaryFolder('belfry');
  const port = await freePort();
  const httpBase = `http://127.0.0.1:${port}`;
  const file = join(folder, 'belfry.yaml');
  // YAML contains JSON.
  const configure = (settings: BelfrySettings) =>
    writeFile(file, JSON.stringify(configuration(folder, port, { ...options, ...settings })), {
      mode: 0o600,
    });
  await configure({});
  const isReady = () => answersOk(`${httpBase}/readyz`);
  const server = {
    name: 'belfry',
    folder,
    program: {
      command: process.execPath,
      args: [main, 'serve', '--config', file],
      cwd: folder,
      env: options.env ?? {},
    },
    isReady,
  };
  const life = await runServer(server, {
    jid: options.component.jid,
    httpBase,
    dataFolder: dataFolderIn(folder),
    isReady,
    async reload(settings: BelfrySettings) {
      const count = () => life.log().split('"msg":"configuration reloaded"').length;
      const before = count();
      await configure(settings);
      process.kill(life.pid, 'SIGHUP');
      await waitFor('belfry to reload its configuration', () => count() > before);
    },
  });
  return life;
}

const dataFolderIn = (folder: string) => join(folder, 'data');

function configuration(folder: string, port: number, options: BelfryOptions) {
  const { component, backend, unifiedPush, storage = 'sqlite', logLevel = 'info', more } = options;
  const { publicUrl = (own: number) => `http://127.0.0.1:${own}` } = options;
  return {
    host: 'component',
    data_dir: dataFolderIn(folder),
    storage,
    component: { jid: component.jid, connect: `127.0.0.1:${component.port}`, secret: component.secret },
    http: { listen: `127.0.0.1:${port}`, public_url: publicUrl(port) },
    unified_push: { backend, ...unifiedPush },
    log: { level: logLevel, format: 'json' },
    ...more,
  };
}

/** True if a GET is answered with a status of success. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
