import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpErrorCode } from '../errors.js';
import type { Events } from '../observability/events.js';
import { type Answer, errorAnswer } from './answer.js';

/** What Node's parser calls the ways in which bytes are not a request; anything else is `bad-request`. */
const codes: Readonly<Record<string, HttpErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/**
 * Answers what never became a request and closes the connection. The parser reports every further piece of it, so
 * each connection is answered once and, if the sender does not close it, cut after `lingerTimeout` milliseconds.
 */
export function createClientErrorHandler(
  lingerTimeout: number,
  events: Pick<Events, 'httpRefused'>,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const answered = new WeakSet<Socket>();
  return (error, socket) => {
    if (answered.has(socket)) return;
    answered.add(socket);
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const code = codes[error.code ?? ''] ?? 'bad-request';
    const client = socket.remoteAddress;
    events.httpRefused(client === undefined ? { code } : { code, client });
    socket.end(rawAnswer(errorAnswer(code)));
    const timer = setTimeout(() => socket.destroy(), lingerTimeout);
    socket.once('close', () => clearTimeout(timer));
  };
}

function rawAnswer({ status, headers, body }: Answer): string {
  const fields = { ...headers, 'content-length': body.length, connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body.toString()}`;
}
