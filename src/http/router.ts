import { type IncomingMessage, METHODS, type RequestListener, type Server } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import type { Events } from '../observability/events.js';
import type { Health } from '../observability/health.js';
import type { Metrics } from '../observability/metrics.js';
import type { PushOutcome } from '../services/unified-push/outcome.js';
import type { PushPayload } from '../services/unified-push/push-payload.js';
import { errorAnswer } from './answer.js';
import { createClientErrorHandler } from './client-error.js';
import { createForwarded } from './forwarded.js';
import { maxTokenLength } from './limits.js';
import { createRefuse, createRespond, type Refuse, type Respond } from './respond.js';
import { demoRoutes } from './routes/demo.js';
import { messageRoutes } from './routes/message.js';
import { probeRoutes } from './routes/probes.js';
import { pushRoutes } from './routes/push.js';
import { webSocketRoutes } from './routes/websocket.js';
import type { Upgrade } from './upgrade.js';

export interface RouterOptions {
  /** The URL that the outside reaches this server at, without trailing slash; may have a path prefix. */
  readonly publicUrl: string;
  /** Addresses or CIDR ranges of reverse proxies whose X-Forwarded-For counts. */
  readonly trustedProxies: readonly string[];
  /** A random name of this process, by which it recognises itself through a proxy. */
  readonly instance: string;
  /** Delivers a payload to the endpoint of a token. */
  readonly push: (token: string, payload: PushPayload) => Promise<PushOutcome>;
  readonly health: Health;
  readonly metrics: Pick<Metrics, 'contentType' | 'render'>;
  readonly events: Pick<Events, 'handlerFailed' | 'httpRefused'>;
  /** Takes over connections of clients that ask for a WebSocket; absent if there is none to be had. */
  readonly upgrade?: Upgrade | undefined;
  /** Whether the demo page of Web Push is there. */
  readonly demo?: boolean;
}

/** Where requests go. Fastify's own logging stays off: it would log URLs, and URLs hold tokens. */
export function createRouter(
  options: RouterOptions,
  lingerTimeout: number,
  serverFactory: (listener: RequestListener) => Server,
): FastifyInstance {
  const respond = createRespond(lingerTimeout);
  const { addressOf } = createForwarded(options.trustedProxies);
  const refuse = createRefuse(respond, options.events, addressOf);
  const prefix = prefixOf(options.publicUrl);
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: maxTokenLength, querystringParser: () => ({}) },
    frameworkErrors: (error, request, reply) =>
      refuse(request, reply, error.code === 'FST_ERR_BAD_URL' ? 'bad-request' : 'unknown-endpoint'),
    ...(prefix !== '/' && { rewriteUrl: ({ url = '/' }: IncomingMessage) => withoutPrefix(url, prefix) }),
    clientErrorHandler: createClientErrorHandler(lingerTimeout, options.events),
    serverFactory,
  });
  // Every method there is, so that each resource can say which of them it has; only a POST's body is of interest.
  for (const method of METHODS) {
    if (method !== 'POST') app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  takeBodiesAsTheyAre(app);
  addErrorHandlers(app, options.events, respond, refuse);

  const { instance, publicUrl, events } = options;
  pushRoutes(app, { push: options.push, publicUrl, instance, events, respond, refuse });
  messageRoutes(app, refuse);
  probeRoutes(app, { instance, health: options.health, metrics: options.metrics, events, respond, refuse });
  if (options.upgrade !== undefined) webSocketRoutes(app, { publicUrl, respond, refuse });
  if (options.demo) demoRoutes(app, { respond, refuse });
  return app;
}

/** Whether a request's target is the resource that speaks WebSocket. */
export function isWebSocketPath(target: string, publicUrl: string): boolean {
  return /^\/xmpp-websocket(?:\?|$)/.test(withoutPrefix(target, prefixOf(publicUrl)));
}

const prefixOf = (publicUrl: string) => new URL(publicUrl).pathname;

/** A proxy may or may not strip the prefix. What only looks like it (a prefix `/push`) is left alone. */
function withoutPrefix(target: string, prefix: string): string {
  // A proxy may send the absolute form (RFC 9112 §3.2.2).
  const url = target.replace(/^https?:\/\/[^/]*/i, '');
  if (!url.startsWith(`${prefix}/`)) return target;
  const rest = url.slice(prefix.length);
  return /^\/(?:push|message|demo|healthz|readyz|metrics|xmpp-websocket|\.well-known)(?:[/?]|$)/.test(rest)
    ? rest
    : target;
}

/** A payload is opaque: its type, even one that is not valid, is nobody's business here, and routes read it themselves. */
function takeBodiesAsTheyAre(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', (request, _reply, done) => {
    request.raw.headers['content-type'] = undefined;
    done();
  });
}

function addErrorHandlers(
  app: FastifyInstance,
  events: Pick<Events, 'handlerFailed'>,
  respond: Respond,
  refuse: Refuse,
): void {
  app.setNotFoundHandler((request, reply) => refuse(request, reply, 'no-such-route'));
  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    if (error.statusCode !== undefined && error.statusCode < 500)
      return refuse(request, reply, 'bad-request');
    events.handlerFailed({ what: 'http', error });
    respond(request, reply, errorAnswer('internal-error'));
  });
}
