import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type C2sListeners, createC2sListeners } from '../../src/hosts/standalone/c2s/listeners.js';
import { offline } from '../../src/hosts/standalone/modules/offline.js';
import { createPresence } from '../../src/hosts/standalone/presence/presence.js';
import type { Sasl } from '../../src/hosts/standalone/sasl/sasl.js';
import type { StandaloneSettings } from '../../src/hosts/standalone/settings.js';
import { systemClock } from '../../src/hosts/system-clock.js';
import { Jid } from '../../src/xmpp/jid.js';
import { EmbeddedCore } from './embedded-core.js';
import { recordingEvents } from './recording-events.js';

const domain = 'example.org';

/** The real core with the real listeners, in this process: a test sees both sides, and turns the hands of its clock. */
export interface SocketCore {
  readonly embedded: EmbeddedCore;
  /** What the listeners told. */
  readonly recorded: ReturnType<typeof recordingEvents>['recorded'];
  readonly port: number;
  readonly webSocketPort: number;
  stop(): Promise<void>;
}

/** Clients authenticate with the mechanism `NAME`, whose response is the localpart. */
export async function startSocketCore(settings: Partial<StandaloneSettings> = {}): Promise<SocketCore> {
  const embedded = new EmbeddedCore({ maxOfflineMessages: 1_000, ...settings }, { now: Date.now });
  const { core } = embedded;
  core.setPresenceRules(createPresence(core.server));
  offline.setup(core.server);
  const { events, recorded } = recordingEvents();
  const c2s = createC2sListeners({
    domain: Jid.parse(domain),
    entrance: core.entrance,
    sasl: saslOf(embedded),
    events,
    clock: systemClock,
    randomBytes,
    certificate: () => ({ cert: '', key: '', serverEndPoint: undefined }),
    listen: { host: '127.0.0.1', port: 0 },
    requireEncryption: false,
    rateLimit: 0,
    maxConnectionsPerAddress: 0,
    limits: { closeTimeout: 100 },
  });
  await c2s.start();
  const http = await serveWebSockets(c2s);
  const address = http.address();
  return {
    embedded,
    recorded,
    port: c2s.addresses.c2s?.port ?? 0,
    webSocketPort: typeof address === 'object' && address !== null ? address.port : 0,
    async stop() {
      const stopped = Promise.all([core.stop(), c2s.stop()]);
      // Who has no socket is not waited for.
      embedded.clock.advance(60_000);
      await stopped;
      http.close();
    },
  };
}

async function serveWebSockets(c2s: C2sListeners): Promise<Server> {
  const http = createServer();
  http.on('upgrade', (request, socket, head) => c2s.upgrade(request, socket, head));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return http;
}

function saslOf(embedded: EmbeddedCore): Sasl {
  return {
    mechanisms: () => ['NAME'],
    begin: () => ({
      async next(response) {
        const jid = `${Buffer.from(response ?? []).toString()}@${domain}`;
        const account = await embedded.account(jid);
        return { kind: 'success', account };
      },
    }),
  };
}
