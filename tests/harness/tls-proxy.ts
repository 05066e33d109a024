import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { IssuedCertificate } from './authority.js';

/** What stands before a program that speaks HTTP/1.1, and has its certificate: nothing is changed. */
export interface TlsProxy {
  readonly port: number;
  /** Whom it passes everything on to: a port of 127.0.0.1. Until it is set, nobody is there. */
  target: number;
  close(): Promise<void>;
}

export async function startTlsProxy({ cert, key }: IssuedCertificate): Promise<TlsProxy> {
  const sockets = new Set<Socket>();
  const keep = <S extends Socket>(socket: S): S => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (outer) => {
    const inner = keep(connect(proxy.target, '127.0.0.1'));
    keep(outer).pipe(inner).pipe(outer);
    outer.once('close', () => inner.destroy());
    inner.once('close', () => outer.destroy());
  });
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TlsProxy = {
    port: (server.address() as AddressInfo).port,
    target: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
