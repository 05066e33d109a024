import { createServer, type RequestListener, type Server } from 'node:http';
import type { ListenAddress } from '../config/config.js';
import { maxPushBytes } from '../services/unified-push/push-payload.js';
import { errorAnswer } from './answer.js';
import { Connections } from './connections.js';
import { defaultLimits, type HttpLimits } from './limits.js';
import { isLongerThan } from './read-body.js';
import { answerAndClose } from './respond.js';
import { createRouter, isWebSocketPath, type RouterOptions } from './router.js';
import { takeUpgrades } from './upgrade.js';

export interface HttpServerOptions extends RouterOptions {
  readonly listen: ListenAddress;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpServer {
  /** Listens; answers where, with the real port if 0 was asked for. Rejects if the address cannot be had. */
  start(): Promise<ListenAddress>;
  /**
   * Takes no more requests, waits for the answers under way for at most `drainTimeout` milliseconds (35 seconds), then
   * cuts what is left. Pushes that were cut go on; nobody hears how they end. WebSockets are left to who took them over.
   */
  stop(drainTimeout?: number): Promise<void>;
}

/** The HTTP server: endpoints for app servers, probes for operators. See `docs/http.md`. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const limits = { ...defaultLimits, ...options.limits };
  const server = createLimitedServer(limits);
  server.on('drop', () => options.events.httpRefused({ code: 'overloaded' }));
  const connections = new Connections(server);
  const app = createRouter(options, limits.lingerTimeout, (route) => {
    takeRequests(server, connections, route, limits.lingerTimeout);
    const { upgrade, publicUrl } = options;
    const isFor = (url: string) => isWebSocketPath(url, publicUrl);
    if (upgrade !== undefined) takeUpgrades(server, { upgrade, isWebSocketPath: isFor, connections });
    return server;
  });
  return {
    async start() {
      await app.ready();
      const address = await listen(server, options.listen);
      // A connection could not be taken, because the process has no file descriptors left: others go on.
      server.on('error', (error) => options.events.handlerFailed({ what: 'http listener', error }));
      return address;
    },
    async stop(drainTimeout = 35_000) {
      await connections.drain(drainTimeout, limits.headersTimeout);
      await app.close();
    },
  };
}

function createLimitedServer(limits: HttpLimits): Server {
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    connectionsCheckingInterval: limits.checkInterval,
  });
  server.maxConnections = limits.maxConnections;
  return server;
}

function takeRequests(
  server: Server,
  connections: Connections,
  route: RequestListener,
  lingerTimeout: number,
): void {
  const shuttingDown = errorAnswer('shutting-down');
  const admit: RequestListener = (request, response) => {
    if (connections.admit(response)) route(request, response);
    else answerAndClose(request, response, shuttingDown, lingerTimeout, { 'retry-after': '5' });
  };
  server.on('request', admit);
  server.on('checkContinue', (request, response) => {
    // A sender that asks before it sends is told at once that its body is too large (RFC 9110 §10.1.1).
    if (!isLongerThan(request, maxPushBytes)) response.writeContinue();
    admit(request, response);
  });
}

function listen(server: Server, { host, port }: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve({ host, port: typeof address === 'object' && address !== null ? address.port : port });
    });
  });
}
