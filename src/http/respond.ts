import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpErrorCode } from '../errors.js';
import type { Events } from '../observability/events.js';
import { type Answer, errorAnswer, type Headers } from './answer.js';
import type { Forwarded } from './forwarded.js';

/** How much of a refused body is read and thrown away at most, in bytes. */
const maxDiscardedBytes = 1024 * 1024;

/** `headers` are added to those of the answer. */
export type Respond = (
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  headers?: Headers,
) => void;
export type Refuse = (
  request: FastifyRequest,
  reply: FastifyReply,
  code: HttpErrorCode,
  headers?: Headers,
) => void;

/**
 * Sends answers. Where the request has a body that nobody read, the answer closes the connection, and what the sender
 * still sends is thrown away for `lingerTimeout` milliseconds: closing at once would reset the connection, and many
 * senders would then never see the answer.
 */
export function createRespond(lingerTimeout: number): Respond {
  return (request, reply, answer, headers = {}) => {
    if (hasUnreadBody(request.raw)) {
      reply.hijack();
      answerAndClose(request.raw, reply.raw, answer, lingerTimeout, headers);
    } else {
      reply.code(answer.status).headers(answer.headers).headers(headers);
      reply.send(answer.body.length === 0 ? undefined : answer.body);
    }
  };
}

/** Answers with an error that this server found by itself, and reports it and whose request it was. */
export function createRefuse(
  respond: Respond,
  events: Pick<Events, 'httpRefused'>,
  addressOf: Forwarded['addressOf'],
): Refuse {
  return (request, reply, code, headers) => {
    events.httpRefused({ code, client: addressOf(request.raw) });
    respond(request, reply, errorAnswer(code), headers);
  };
}

function hasUnreadBody(message: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = message.headers;
  const hasBody = encoding !== undefined || (length !== undefined && length !== '0');
  return hasBody && !message.readableEnded;
}

/** The whole answer is on its way before the connection's end: its length tells the sender that it is complete. */
export function answerAndClose(
  message: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  lingerTimeout: number,
  headers: Headers,
): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    ...headers,
    'content-length': String(answer.body.length),
    connection: 'close',
  });
  if (answer.body.length === 0) response.flushHeaders();
  else response.write(answer.body);
  discard(message, lingerTimeout, () => response.end());
}

function discard(message: IncomingMessage, timeout: number, done: () => void): void {
  let size = 0;
  const finish = () => {
    clearTimeout(timer);
    message.off('data', onData).off('end', finish).off('close', finish);
    done();
  };
  const onData = (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxDiscardedBytes) finish();
  };
  const timer = setTimeout(finish, timeout);
  message.on('data', onData).on('end', finish).on('close', finish).resume();
}
