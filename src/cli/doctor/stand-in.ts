import { randomBytes } from 'node:crypto';
import type { Config } from '../../config/config.js';
import { createHttpServer } from '../../http/server.js';

/** An HTTP server in the place of the Belfry that is not running. */
export interface StandIn {
  readonly instance: string;
  stop(): Promise<void>;
}

/**
 * Listens where Belfry would, so that requests from outside have somewhere to arrive. Pushes that come meanwhile are
 * told to try again. Rejects if the address cannot be had.
 */
export async function startStandIn(http: Config['http']): Promise<StandIn> {
  const instance = randomBytes(6).toString('hex');
  const server = createHttpServer({
    ...http,
    instance,
    push: async () => ({ kind: 'retry', code: 'shutting-down', retryAfter: 30 }),
    health: { readiness: async () => ({ isReady: false, checks: {} }) },
    metrics: { contentType: 'text/plain', render: async () => '' },
    events: { handlerFailed() {}, httpRefused() {} },
  });
  await server.start();
  return { instance, stop: () => server.stop(1_000) };
}
