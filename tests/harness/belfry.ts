import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TokenBackendName } from '../../src/services/unified-push/tokens/backend.js';
import { freePort } from './net.js';
import { runServer, type ServerLife, temporaryFolder } from './xmpp-server.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BelfryOptions {
  /** The component's JID, its secret and the server's component port. */
  readonly component: { readonly jid: string; readonly secret: string; readonly port: number };
  readonly backend: TokenBackendName;
  /** Further keys of `unified_push`. */
  readonly unifiedPush?: Readonly<Record<string, unknown>>;
  /** `sqlite` unless given. */
  readonly storage?: string;
}

/** The built program, running in a process of its own as component of a real server. */
export interface Belfry extends ServerLife {
  /** The component's JID, at which devices register. */
  readonly jid: string;
  readonly httpBase: string;
  /** True if it says that it is ready: connected to its XMPP server, and the storage answers. */
  isReady(): Promise<boolean>;
}

/** Builds if needed, starts `belfry serve`, and waits until it is ready. */
export async function startBelfry(options: BelfryOptions): Promise<Belfry> {
  ensureBuild();
  const folder = await temporaryFolder('belfry');
  const port = await freePort();
  const httpBase = `http://127.0.0.1:${port}`;
  const file = join(folder, 'belfry.yaml');
  // YAML contains JSON.
  await writeFile(file, JSON.stringify(configuration(folder, port, options)), { mode: 0o600 });
  const isReady = () => answersOk(`${httpBase}/readyz`);
  const server = {
    name: 'belfry',
    folder,
    program: {
      command: process.execPath,
      args: [join(root, 'dist/cli/main.js'), 'serve', '--config', file],
      cwd: folder,
    },
    isReady,
  };
  return runServer(server, { jid: options.component.jid, httpBase, isReady });
}

function ensureBuild(): void {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/ensure-build.mjs')], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the build failed');
}

function configuration(folder: string, port: number, options: BelfryOptions) {
  const { component, backend, unifiedPush, storage = 'sqlite' } = options;
  return {
    host: 'component',
    data_dir: join(folder, 'data'),
    storage,
    component: { jid: component.jid, connect: `127.0.0.1:${component.port}`, secret: component.secret },
    http: { listen: `127.0.0.1:${port}`, public_url: `http://127.0.0.1:${port}` },
    unified_push: { backend, ...unifiedPush },
    log: { level: 'info', format: 'json' },
  };
}

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
