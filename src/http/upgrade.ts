import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connections } from './connections.js';

/** Takes over a connection on which a client asked for a WebSocket, or answers it. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface UpgradeOptions {
  readonly upgrade: Upgrade;
  /** Whether a request is for the resource that speaks WebSocket. */
  readonly isWebSocketPath: (url: string) => boolean;
  readonly connections: Connections;
}

/**
 * Hands requests for a WebSocket over. All others that ask for another protocol (some clients offer HTTP/2 with every
 * request) get the answer that they get without that (RFC 9110 §7.8).
 */
export function takeUpgrades(
  server: Server,
  { upgrade, isWebSocketPath, connections }: UpgradeOptions,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const wantsWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
    if (wantsWebSocket && isWebSocketPath(request.url ?? '') && connections.release(socket)) {
      upgrade(request, socket, head);
    } else {
      readAgain(server, request, socket, head);
    }
  });
}

/** Node stops reading HTTP at such a request: it gets it once more, without what made it stop. */
function readAgain(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const kept = name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value;
    if (name.toLowerCase() !== 'upgrade' && kept !== '') lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

const withoutUpgrade = (value: string) =>
  value
    .split(',')
    .map((option) => option.trim())
    .filter((option) => option.toLowerCase() !== 'upgrade')
    .join(', ');
