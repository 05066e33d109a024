import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the ports that systems give to outgoing connections (Linux 32768, macOS 49152) and above those of known services. */
const firstPort = 20_000;
const lastPort = 32_767;

/**
 * A TCP port on 127.0.0.1 that nobody listens on. A port that the system chooses would be one of those that it gives to
 * outgoing connections: the next one may take it before the program that it is for listens on it. Nobody is given it again as
 * long as this process lives, also while the program is started anew.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const port = randomInt(firstPort, lastPort + 1);
    const mark = await markGiven(port);
    if (mark === undefined) continue;
    if (await canListen(port)) return port;
    mark.close();
  }
  throw new Error(`no port from ${firstPort} to ${lastPort} is free`);
}

/**
 * What says to all processes that a port is given, until this one ends: its namesake of UDP, which nobody needs, is taken.
 * Undefined if it is already.
 */
function markGiven(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const mark = createSocket('udp4').unref();
    mark.once('error', () => mark.close(() => resolve(undefined)));
    mark.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(mark));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Resolves when `condition` is true, checked every `interval` milliseconds; rejects with `what` after `timeout`. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { timeout = 10_000, interval = 20 } = {},
): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeout} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

/** Listens on a port of 127.0.0.1 that the system chooses; answers which. */
export async function listenOnLoopback(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
