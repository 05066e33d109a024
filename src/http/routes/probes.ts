import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Events } from '../../observability/events.js';
import type { Health } from '../../observability/health.js';
import type { Metrics } from '../../observability/metrics.js';
import { type Answer, errorAnswer, jsonAnswer, textAnswer } from '../answer.js';
import type { Refuse, Respond } from '../respond.js';
import { addResource, type Handler } from './resource.js';

export interface ProbeRouteOptions {
  readonly instance: string;
  readonly health: Health;
  readonly metrics: Pick<Metrics, 'contentType' | 'render'>;
  readonly events: Pick<Events, 'handlerFailed'>;
  readonly respond: Respond;
  readonly refuse: Refuse;
}

/** What the operator's machines ask: does it live, is it ready, what does it count. */
export function probeRoutes(app: FastifyInstance, options: ProbeRouteOptions): void {
  const { instance, health, metrics, refuse } = options;
  const probe = (url: string, answer: () => Promise<Answer>) =>
    addResource(app, url, { GET: answering(url, answer, options) }, refuse);

  const alive = jsonAnswer(200, { status: 'ok', instance });
  probe('/healthz', async () => alive);
  probe('/readyz', async () => {
    const { isReady, checks } = await health.readiness();
    return jsonAnswer(isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', instance, checks });
  });
  probe('/metrics', async () => textAnswer(200, metrics.contentType, await metrics.render()));
}

function answering(
  what: string,
  answer: () => Promise<Answer>,
  { respond, events }: ProbeRouteOptions,
): Handler {
  const run = async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      respond(request, reply, await answer());
    } catch (error) {
      events.handlerFailed({ what, error });
      respond(request, reply, errorAnswer('internal-error'));
    }
  };
  return (request, reply) => void run(request, reply);
}
