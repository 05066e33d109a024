import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';

/** How a push service treats a request. */
export type PushAnswer =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  /** 413 for what is larger, else 201. */
  | { readonly kind: 'at most'; readonly bytes: number }
  /** The connection is reset. */
  | { readonly kind: 'reset' }
  /** No answer at all. */
  | { readonly kind: 'hang' }
  /** The status at once, then a byte of the body now and then, without end. */
  | { readonly kind: 'drip'; readonly status: number; readonly every: number }
  /** The status, then a body without end, as fast as it is read. */
  | { readonly kind: 'endless'; readonly status: number }
  /** So many interim answers (103), then 201. */
  | { readonly kind: 'interim'; readonly count: number }
  /** So many bytes of headers. */
  | { readonly kind: 'headers'; readonly status: number; readonly bytes: number }
  /** HTTP/2: this request was not looked at, and there will be no further one on this connection. HTTP/1.1: it ends. */
  | { readonly kind: 'goaway' }
  /** HTTP/2: this request was not looked at. HTTP/1.1: the connection ends. */
  | { readonly kind: 'refuse' };

/** The short forms of what is scripted most. */
export const answers = {
  created: { kind: 'status', status: 201 },
  gone: { kind: 'status', status: 410 },
  unavailable: { kind: 'status', status: 503 },
  hang: { kind: 'hang' },
  reset: { kind: 'reset' },
} as const satisfies Record<string, PushAnswer>;

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** A request that is to be answered. */
export interface Answerable {
  readonly response: AnyResponse;
  /** The connection itself, below TLS. */
  readonly connection: Socket;
  /** Bytes of the request's body. */
  readonly size: number;
  /** Hears of each byte that is written for a drip or an endless body. */
  readonly onWritten: (bytes: number) => void;
}

/** Answers, or does not. */
export function give(answer: PushAnswer, { response, connection, size, onWritten }: Answerable): void {
  switch (answer.kind) {
    case 'status':
      respond(response, answer.status, answer.headers ?? {}, answer.body);
      break;
    case 'at most':
      respond(response, size > answer.bytes ? 413 : 201, {});
      break;
    case 'reset':
      connection.resetAndDestroy();
      break;
    case 'hang':
      break;
    case 'drip':
      drip(response, answer.status, answer.every, onWritten);
      break;
    case 'endless':
      pour(response, answer.status, onWritten);
      break;
    case 'interim':
      for (let index = 0; index < answer.count; index++) response.writeEarlyHints({ link: '</a>; rel=next' });
      respond(response, 201, {});
      break;
    case 'headers':
      respond(response, answer.status, headersOf(answer.bytes));
      break;
    case 'goaway':
    case 'refuse':
      refuse(response, connection, answer.kind === 'goaway');
  }
}

function respond(
  response: AnyResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array = '',
): void {
  write(response, status, headers);
  if (response instanceof Http2ServerResponse) response.end(body);
  else response.end(body);
}

function write(response: AnyResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  if (response instanceof Http2ServerResponse) response.writeHead(status, headers);
  else response.writeHead(status, headers);
}

function drip(
  response: AnyResponse,
  status: number,
  every: number,
  onWritten: (bytes: number) => void,
): void {
  write(response, status);
  const timer = setInterval(() => {
    writeBody(response, Buffer.from('.'));
    onWritten(1);
  }, every);
  response.once('close', () => clearInterval(timer));
}

function pour(response: AnyResponse, status: number, onWritten: (bytes: number) => void): void {
  const chunk = Buffer.alloc(16_384, 'x');
  write(response, status);
  const more = () => {
    while (!response.destroyed && !response.writableEnded) {
      onWritten(chunk.length);
      if (!writeBody(response, chunk)) break;
    }
  };
  response.on('drain', more);
  more();
}

function writeBody(response: AnyResponse, chunk: Uint8Array): boolean {
  if (response.destroyed || response.writableEnded) return false;
  return response instanceof Http2ServerResponse ? response.write(chunk) : response.write(chunk);
}

/** Each of 1,000 bytes. */
function headersOf(bytes: number): Record<string, string> {
  const count = Math.ceil(bytes / 1_000);
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'x'.repeat(990)]));
}

function refuse(response: AnyResponse, connection: Socket, isGoingAway: boolean): void {
  if (!(response instanceof Http2ServerResponse)) {
    connection.destroy();
    return;
  }
  const { stream } = response;
  if (isGoingAway) stream.session?.goaway(constants.NGHTTP2_NO_ERROR, Math.max(0, (stream.id ?? 0) - 2));
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
}
