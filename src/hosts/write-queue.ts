import type { Writable } from 'node:stream';

/**
 * What waits to be written to a socket. Texts of the same turn of the event loop leave as one write; while the
 * socket is full they wait here, up to a bound in bytes. What the socket has taken but not yet handed to the system
 * counts too.
 */
export class WriteQueue {
  readonly #socket: Writable;
  readonly #maxBytes: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #takenBytes = 0;
  #isBlocked = false;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(socket: Writable, maxBytes: number) {
    this.#socket = socket;
    this.#maxBytes = maxBytes;
    socket.on('drain', () => {
      this.#isBlocked = false;
      this.flush();
    });
  }

  /** Bytes that have not left this process. */
  get bytes(): number {
    return this.#waitingBytes + this.#takenBytes;
  }

  /** Takes a text; false if that would pass the bound. */
  push(text: string): boolean {
    const bytes = Buffer.byteLength(text);
    if (this.bytes + bytes > this.#maxBytes) return false;
    this.#waiting.push(text);
    this.#waitingBytes += bytes;
    this.#scheduled ??= setImmediate(() => this.flush());
    return true;
  }

  /** Hands over to the socket what waits, unless the socket is full. */
  flush(): void {
    this.#unschedule();
    if (this.#isBlocked || this.#waiting.length === 0) return;
    const batch = this.#waiting.join('');
    const bytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#takenBytes += bytes;
    this.#isBlocked = !this.#socket.write(batch, () => {
      this.#takenBytes -= bytes;
    });
  }

  /** Writes what waits and `last` whatever the bound, and ends the socket's sending side. */
  end(last: string): void {
    this.#unschedule();
    const batch = this.#waiting.join('') + last;
    this.discard();
    if (this.#socket.writable) this.#socket.end(batch);
  }

  /** Forgets what waits. */
  discard(): void {
    this.#unschedule();
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #unschedule(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
  }
}
