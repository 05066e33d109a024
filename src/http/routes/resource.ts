import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Refuse } from '../respond.js';

export type Handler = (request: FastifyRequest, reply: FastifyReply) => void;

/** What a resource does, by method. GET answers HEAD too. */
export type Handlers = Readonly<Partial<Record<'GET' | 'POST' | 'DELETE' | 'OPTIONS', Handler>>>;

/** Adds a resource; methods that it does not have are answered with 405 and those that it has. */
export function addResource(app: FastifyInstance, url: string, handlers: Handlers, refuse: Refuse): void {
  const allowed = Object.keys(handlers).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  for (const [method, handler] of Object.entries(handlers)) {
    app.route({ method: method === 'GET' ? ['GET', 'HEAD'] : method, url, handler });
  }
  const headers = { allow: allowed.join(', ') };
  app.route({
    method: app.supportedMethods.filter((method) => !allowed.includes(method)),
    url,
    handler: (request, reply) => refuse(request, reply, 'method-not-allowed', headers),
  });
}
