import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Events } from '../../observability/events.js';
import type { PushOutcome } from '../../services/unified-push/outcome.js';
import {
  maxPushBytes,
  type PushPayload,
  parsePushPayload,
} from '../../services/unified-push/push-payload.js';
import { corsHeaders, emptyAnswer, errorAnswer, jsonAnswer } from '../answer.js';
import { readBody } from '../read-body.js';
import type { Refuse, Respond } from '../respond.js';
import { addResource } from './resource.js';

export interface PushRouteOptions {
  /** Delivers a payload to the endpoint of a token. */
  readonly push: (token: string, payload: PushPayload) => Promise<PushOutcome>;
  /** What URLs in answers begin with; no trailing slash. */
  readonly publicUrl: string;
  /** Tells this process's answers from those of others behind the same name. */
  readonly instance: string;
  readonly events: Pick<Events, 'handlerFailed'>;
  readonly respond: Respond;
  readonly refuse: Refuse;
}

/** What a page of another origin may send: the header fields of Web Push, in its final and its draft form. */
const preflight = emptyAnswer(204, {
  ...corsHeaders,
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers':
    'content-encoding, content-type, ttl, urgency, topic, prefer, authorization, crypto-key, encryption',
  'access-control-max-age': '86400',
});

/** The endpoints of UnifiedPush and, for senders that ask first, their discovery document. */
export function pushRoutes(app: FastifyInstance, options: PushRouteOptions): void {
  const { respond, refuse, instance } = options;
  const discovery = jsonAnswer(
    200,
    { unifiedpush: { version: 1 } },
    { ...corsHeaders, 'x-belfry-instance': instance },
  );
  for (const url of ['/push', '/push/*']) {
    const handlers = {
      GET: (request: FastifyRequest, reply: FastifyReply) => respond(request, reply, discovery),
      POST: (request: FastifyRequest, reply: FastifyReply) => refuse(request, reply, 'unknown-endpoint'),
      OPTIONS: (request: FastifyRequest, reply: FastifyReply) => respond(request, reply, preflight),
    };
    addResource(app, url, handlers, refuse);
  }
  app.post<{ Params: { token: string } }>('/push/:token', (request, reply) => {
    const { token } = request.params;
    if (token === '') return refuse(request, reply, 'unknown-endpoint');
    // Whatever goes wrong is answered; the promise never rejects.
    void answerPush(token, request, reply, options);
  });
}

async function answerPush(
  token: string,
  request: FastifyRequest,
  reply: FastifyReply,
  options: PushRouteOptions,
): Promise<void> {
  try {
    const body = await readBody(request.raw, maxPushBytes);
    if (body.kind === 'aborted') {
      reply.hijack();
      return;
    }
    const payload = body.kind === 'too-large' ? 'body-too-large' : parsePushPayload(body.bytes);
    if (typeof payload === 'string') options.refuse(request, reply, payload);
    else answerOutcome(await options.push(token, payload), request, reply, options);
  } catch (error) {
    options.events.handlerFailed({ what: 'push', error });
    options.respond(request, reply, errorAnswer('internal-error'));
  }
}

/** RFC 8030 §5: a TTL of 0, because what the device has not got by now is not kept. */
const delivered = emptyAnswer(201, { ...corsHeaders, ttl: '0' });

function answerOutcome(
  outcome: PushOutcome,
  request: FastifyRequest,
  reply: FastifyReply,
  { respond, publicUrl }: PushRouteOptions,
): void {
  if (outcome.kind === 'delivered') {
    respond(request, reply, delivered, { location: `${publicUrl}/message/${outcome.messageId}` });
  } else if (outcome.kind === 'retry') {
    const seconds = Math.max(1, Math.ceil(outcome.retryAfter));
    respond(request, reply, errorAnswer(outcome.code), { 'retry-after': String(seconds) });
  } else respond(request, reply, errorAnswer(outcome.code));
}
