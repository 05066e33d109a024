import { connect, type Socket } from 'node:net';
import type { ErrorCode } from '../../src/errors.js';
import type { HttpLimits } from '../../src/http/limits.js';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../src/http/server.js';
import type { PushOutcome } from '../../src/services/unified-push/outcome.js';

export interface SeenPush {
  readonly token: string;
  readonly payload: Buffer;
}

/** An HTTP server with a push function that does what the test says. */
export interface HttpTestBed {
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  readonly pushes: SeenPush[];
  readonly refusals: { code: ErrorCode; client?: string }[];
  readonly failures: { what: string; error: unknown }[];
}

export interface HttpTestOptions
  extends Partial<Pick<HttpServerOptions, 'publicUrl' | 'trustedProxies' | 'upgrade' | 'demo'>> {
  readonly answer?: (push: SeenPush) => Promise<PushOutcome> | PushOutcome;
  readonly limits?: Partial<HttpLimits>;
  readonly isReady?: () => boolean;
}

/** Starts the server on a free port of the loopback address. */
export async function startHttp({
  answer = () => ({ kind: 'delivered', messageId: 'm1' }),
  limits = {},
  isReady = () => true,
  publicUrl = 'https://push.example.org',
  trustedProxies = [],
  upgrade,
  demo = false,
}: HttpTestOptions = {}): Promise<HttpTestBed> {
  const pushes: SeenPush[] = [];
  const refusals: HttpTestBed['refusals'] = [];
  const failures: HttpTestBed['failures'] = [];
  const server = createHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl,
    trustedProxies,
    upgrade,
    demo,
    instance: 'test-instance',
    limits,
    push: async (token, payload) => {
      const push = { token, payload: Buffer.from(payload) };
      pushes.push(push);
      return answer(push);
    },
    health: {
      readiness: async () => ({ isReady: isReady(), checks: { host: isReady() ? 'ok' : 'failed' } }),
    },
    metrics: { contentType: 'text/plain; version=0.0.4', render: async () => 'belfry_pushes_total 1\n' },
    events: {
      httpRefused: (event) => refusals.push(event),
      handlerFailed: (event) => failures.push(event),
    },
  });
  const { port } = await server.start();
  return { server, port, url: `http://127.0.0.1:${port}`, pushes, refusals, failures };
}

/** A connection on which a test writes what it likes, and everything that came back. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that was received so far. */
  received(): string;
  /** Resolves with all that was received when the peer has closed. Rejects if the connection was reset. */
  readonly closed: Promise<string>;
}

export function openRaw(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    const closed = new Promise<string>((done, fail) => {
      socket.once('end', () => done(text));
      socket.once('close', () => done(text));
      socket.once('error', fail);
    });
    closed.catch(() => undefined);
    socket.once('error', reject);
    socket.once('connect', () => resolve({ socket, received: () => text, closed }));
  });
}
