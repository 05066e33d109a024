import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

export interface UpgradeOptions {
  /** The largest message, in bytes. */
  readonly maxPayload: number;
  /** Why a request is not taken, as an HTTP status; undefined if it is. */
  readonly refusal: (request: IncomingMessage) => number | undefined;
  readonly accept: (socket: WebSocket, request: IncomingMessage, connection: Duplex) => void;
}

/**
 * Frames of one message, and chunks of one frame as they came from the network. Each takes memory of its own, however
 * short it is; in the smallest packets that there are, the largest message has half as many.
 */
const maxPieces = 1_024;

/** RFC 7395 §3.1. */
const subprotocol = 'xmpp';

/** Takes over HTTP requests for WebSockets that speak XMPP, or answers them. */
export function createUpgrade({
  maxPayload,
  refusal,
  accept,
}: UpgradeOptions): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload,
    maxFragments: maxPieces,
    maxBufferedChunks: maxPieces,
    // The transport answers, within a bound.
    autoPong: false,
    handleProtocols: () => subprotocol,
  });
  return (request, socket, head) => {
    const status = offersXmpp(request) ? refusal(request) : 400;
    if (status !== undefined) refuse(socket, status);
    else server.handleUpgrade(request, socket, head, (opened) => accept(opened, request, socket));
  };
}

function offersXmpp(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === subprotocol);
}

function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => {});
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n` +
      'cache-control: no-store\r\n\r\n',
  );
}
