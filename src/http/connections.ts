import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What is open on a server, so that a drain can tell what is idle from what is under way. */
export class Connections {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Set<ServerResponse>();
  #isDraining = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
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
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const answer of this.#answers) {
      if (!answer.headersSent) answer.setHeader('connection', 'close');
    }
    // Node counts a connection that has not sent anything yet as busy.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    const timers = [
      setTimeout(() => this.#cutHalfRequests(), requestTimeout),
      setTimeout(() => this.#server.closeAllConnections(), timeout),
    ];
    await closed;
    for (const timer of timers) clearTimeout(timer);
  }

  #cutHalfRequests(): void {
    const whole = [...this.#answers].filter((answer) => answer.req.complete).map((answer) => answer.socket);
    for (const socket of this.#sockets) if (!whole.includes(socket)) socket.destroy();
  }
}
