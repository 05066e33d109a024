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
   * last; after `timeout` milliseconds cuts what is left. A request that comes while this lasts is not admitted.
   */
  async drain(timeout: number): Promise<void> {
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const answer of this.#answers) {
      if (!answer.headersSent) answer.setHeader('connection', 'close');
    }
    // Node counts a connection that has not sent anything yet as busy.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    const cut = setTimeout(() => this.#server.closeAllConnections(), timeout);
    await closed;
    clearTimeout(cut);
  }
}
