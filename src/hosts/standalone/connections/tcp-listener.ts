import { createServer, type Server, type Socket } from 'node:net';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port` as in URLs, with an IPv6 address in brackets (RFC 3986 §3.2.2). */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export interface TcpListener {
  /** Where it listens, with the real port if 0 was asked for. */
  readonly address: ListenAddress;
  /** Takes no more connections; those that are open stay. */
  close(): void;
}

export interface TcpListenerOptions {
  readonly listen: ListenAddress;
  readonly onConnection: (socket: Socket, remoteAddress: string) => void;
  /** A connection could not be taken: the process has no file descriptors left. */
  readonly onError: (error: Error) => void;
}

/** Milliseconds of silence before the system asks whether the other side is still there. */
export const keepAliveInitialDelay = 5 * 60 * 1000;

/** Rejects if the address cannot be had. */
export async function listenTcp({ listen, onConnection, onError }: TcpListenerOptions): Promise<TcpListener> {
  // Half-open: a client that has sent all and closed its side still gets its answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay });
  server.on('connection', (socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) socket.destroy();
    else onConnection(socket, remoteAddress);
  });
  const port = await startListening(server, listen);
  server.on('error', onError);
  return { address: { host: listen.host, port }, close: () => void server.close() };
}

/** Answers the real port. */
function startListening(server: Server, { host, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
