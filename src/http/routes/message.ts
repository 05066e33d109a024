import type { FastifyInstance } from 'fastify';
import type { Refuse } from '../respond.js';
import { addResource, type Handler } from './resource.js';

/**
 * The message resource that RFC 8030 §5 has a push answer name in `Location`. A message is delivered when it is
 * answered, so it is always gone.
 */
export function messageRoutes(app: FastifyInstance, refuse: Refuse): void {
  const gone: Handler = (request, reply) => refuse(request, reply, 'message-gone');
  addResource(app, '/message/:id', { GET: gone, DELETE: gone }, refuse);
}
