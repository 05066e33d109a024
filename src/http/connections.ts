import type { Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What is open on a server, so that a drain can tell what is idle from what is under way. */
export class Connections {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Set<ServerResponse>();
  #isDraining = false;
  #onEmpty: (() => void) | undefined;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      // A connection whose offer of another protocol was passed over comes again.
      if (this.#sockets.has(socket)) return;
      this.#sockets.add(socket);
      socket.once('close', () => this.#forget(socket));
    });
  }

  /**
   * Gives up a connection to somebody else: it no longer counts, neither for a drain nor for how many there may be.
   * False if it is too late for that.
   */
  release(socket: Duplex): boolean {
    if (this.#isDraining || !(socket instanceof Socket)) return false;
    this.#forget(socket);
    this.#server.maxConnections++;
    socket.once('close', () => this.#server.maxConnections--);
    return true;
  }

  /** Whether the request that this answer is for may still be worked on. */
  admit(answer: ServerResponse): boolean {
    if (this.#isDraining) return false;
    this.#answers.add(answer);
    answer.once('close', () => this.#answers.delete(answer));
    return true;
  }

  /**
   * Takes no more connections, closes the idle ones and waits for the others, whose answers now say that they are the
   * last. What is not a whole request after `requestTimeout` milliseconds is cut, and after `timeout` all the rest. A
   * request that comes while this lasts is not admitted.
   *
   * Node looks after no timeouts any more once a server is closing: half a request would be waited for till the end.
   */
  async drain(timeout: number, requestTimeout: number): Promise<void> {
    this.#isDraining = true;
    this.#server.close();
    for (const answer of this.#answers) {
      if (!answer.headersSent) answer.setHeader('connection', 'close');
    }
    // Node counts a connection that has not sent anything yet as busy.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    const timers = [
      setTimeout(() => this.#cutHalfRequests(), requestTimeout),
      setTimeout(() => this.#server.closeAllConnections(), timeout),
    ];
    await this.#empty();
    for (const timer of timers) clearTimeout(timer);
  }

  #forget(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size === 0) this.#onEmpty?.();
  }

  #empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#sockets.size === 0) resolve();
    });
  }

  #cutHalfRequests(): void {
    const whole = [...this.#answers].filter((answer) => answer.req.complete).map((answer) => answer.socket);
    for (const socket of this.#sockets) if (!whole.includes(socket)) socket.destroy();
  }
}
