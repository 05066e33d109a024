import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between clients and a server, and cuts their connections as a bad network does. */
export interface CuttingProxy {
  readonly port: number;
  /** Connections that clients have made so far. */
  readonly connections: number;
  /** Cuts what is connected, without a word to either side. Who connects from then on waits until it is mended. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1 and hands on to another port there. */
export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  const waiting = new Set<Socket>();
  let isCut = false;
  let connections = 0;
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.on('error', () => undefined);
    return socket.once('close', () => open.delete(socket));
  };
  const join = (client: Socket): void => {
    const server = keep(connect(target, '127.0.0.1'));
    client.pipe(server).pipe(client);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  };
  const listener = createServer((client) => {
    connections++;
    keep(client);
    if (!isCut) return join(client);
    waiting.add(client);
    client.once('close', () => waiting.delete(client));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut() {
      isCut = true;
      for (const socket of open) socket.resetAndDestroy();
    },
    mend() {
      isCut = false;
      for (const client of waiting) join(client);
      waiting.clear();
    },
    async close() {
      for (const socket of open) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
