import { once } from 'node:events';
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Events } from '../observability/events.js';
import { connectControl } from './client.js';
import { LineReader } from './lines.js';
import {
  ControlError,
  type ControlHandlers,
  type ControlLine,
  maxLineBytes,
  parseRequest,
  writeLine,
} from './protocol.js';
import { socketAddress } from './socket-path.js';

const maxConnections = 16;
/** Milliseconds until a request is complete. */
const requestTimeout = 5_000;
/** Milliseconds that an answer may stand still. */
const answerTimeout = 60_000;
/** Milliseconds that answers under way get when the server stops. */
const stopTimeout = 2_000;

export interface ControlServerOptions {
  /** Of the socket. Its folder is made if it is missing, for this user alone. */
  readonly path: string;
  readonly handlers: ControlHandlers;
  readonly events: Pick<Events, 'handlerFailed'>;
}

/**
 * The door for commands on the same machine (`belfry user`, `belfry push`): a Unix socket for its own user. What is said on it
 * is in `protocol.ts`; passwords are among it, and nothing of it is logged.
 */
export interface ControlServer {
  /** @throws {ControlError} if a running server has the socket, or its path is too long */
  start(): Promise<void>;
  /** Lets answers under way come to their end, within a bound, and removes the socket. */
  stop(): Promise<void>;
}

/** Listens from `start` on. What handlers throw that is no `ControlError` is reported, and told in general words. */
export function createControlServer(options: ControlServerOptions): ControlServer {
  const connections = new Set<Socket>();
  // Whoever asks may say at once that nothing more follows, as `nc -U` does.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    serve(socket, options);
  });
  server.maxConnections = maxConnections;
  return {
    start: () => listen(server, options.path),
    async stop() {
      if (!server.listening) return;
      const impatience = setTimeout(() => {
        for (const socket of connections) socket.destroy();
      }, stopTimeout);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      clearTimeout(impatience);
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const address = socketAddress(path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await removeStale(path);
  server.listen(address);
  await once(server, 'listening');
  await chmod(path, 0o600);
}

/** A server that was killed leaves its socket behind, and nobody answers there. */
async function removeStale(path: string): Promise<void> {
  const other = await connectControl(path);
  if (other !== undefined) {
    other.close();
    throw new ControlError(`Another Belfry runs with this data_dir: it answers at ${path}.`);
  }
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() === true) await unlink(path);
}

function serve(socket: Socket, options: ControlServerOptions): void {
  socket.setTimeout(requestTimeout, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  let isAsked = false;
  const reader = new LineReader((line) => {
    if (isAsked) return;
    isAsked = true;
    socket.setTimeout(answerTimeout);
    void answer(socket, line, options);
  });
  socket.on('data', (bytes: Buffer) => {
    if (isAsked || reader.write(bytes)) return;
    isAsked = true;
    socket.end(writeLine({ failed: `A request is at most ${maxLineBytes} bytes long.` }));
  });
  socket.on('end', () => {
    if (!isAsked) socket.destroy();
  });
}

async function answer(
  socket: Socket,
  line: string,
  { handlers, events }: ControlServerOptions,
): Promise<void> {
  const request = parseRequest(line);
  const handler =
    request !== undefined && Object.hasOwn(handlers, request.command) ? handlers[request.command] : undefined;
  let last: ControlLine = { done: true };
  try {
    if (request === undefined) throw new ControlError('This is no request.');
    if (handler === undefined) throw new ControlError('The running server does not know this command.');
    await handler(request.args, (item) => write(socket, writeLine({ item })));
  } catch (error) {
    if (!(error instanceof ControlError)) events.handlerFailed({ what: 'control', error });
    last = { failed: error instanceof ControlError ? error.message : 'The server failed; its log says why.' };
  }
  socket.end(writeLine(last));
}

/** Resolves when there is room for more. */
async function write(socket: Socket, text: string): Promise<void> {
  if (socket.destroyed) throw new ControlError('Nobody listens any more.');
  if (socket.write(text)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      socket.off('drain', go).off('close', go);
      resolve();
    };
    socket.on('drain', go).on('close', go);
  });
}
