import type { TokenBackendName } from '../../src/services/unified-push/tokens/backend.js';
import { type Belfry, startBelfry } from './belfry.js';
import { type ConnectClient, type Distributor, startDistributor } from './distributor.js';
import type { XmppServer, XmppServerOptions } from './xmpp-server.js';

export const backends = ['paseto', 'storage', 'jwt'] as const satisfies readonly TokenBackendName[];

const secret = 'the-components-secret';
export const jwtSecret = 'a-secret-that-is-long-enough-for-hs256';

/** Two users that the default ACL admits, and one of another domain. */
const accounts = {
  'ana@example.test': 'password-of-ana',
  'bob@example.test': 'password-of-bob',
  'eve@elsewhere.test': 'password-of-eve',
};

/** The component's JID for a backend; one domain below the users', as operators are told to. */
const componentJid = (name: string) => `${name}.example.test`;

/** A real server, with whatever a test started on it. */
export interface World {
  readonly server: XmppServer;
  /** Starts a Belfry as component `<name>.example.test`; `name` is one of the world's. SQLite unless `storage` is given. */
  belfry(
    name: string,
    backend: TokenBackendName,
    unifiedPush?: Readonly<Record<string, unknown>>,
    storage?: string,
  ): Promise<Belfry>;
  /** Logs in a distributor. */
  device(connect: ConnectClient, fullJid: string): Promise<Distributor>;
  /** Ends everything that was started, the last first. */
  close(): Promise<void>;
}

/** Starts a server that knows a component for each of the names. */
export async function createWorld<Options extends XmppServerOptions>(
  start: (options: Options | XmppServerOptions) => Promise<XmppServer>,
  names: readonly string[],
  more: Partial<Options> = {},
): Promise<World> {
  const components = Object.fromEntries(names.map((name) => [componentJid(name), secret]));
  const server = await start({ accounts, components, ...more });
  const closers = [() => server.stop()];
  return {
    server,
    async belfry(name, backend, unifiedPush = {}, storage = 'sqlite') {
      const belfry = await startBelfry({
        component: { jid: componentJid(name), secret, port: server.componentPort },
        backend,
        unifiedPush: { ...(backend === 'jwt' ? { secret: jwtSecret } : {}), ...unifiedPush },
        storage,
      });
      closers.push(() => belfry.stop());
      return belfry;
    },
    async device(connect, fullJid) {
      const device = await startDistributor(connect, server, fullJid);
      closers.push(() => device.disconnect());
      return device;
    },
    async close() {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    },
  };
}
