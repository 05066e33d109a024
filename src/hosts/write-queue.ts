import type { Writable } from 'node:stream';

/** Where a queue's texts go: a connection, or something that puts each text into a frame. */
export interface Sink {
  /** Writes texts in order. Calls `done` when they have left this process; with an error, or never, if they do not. */
  write(texts: readonly string[], done: (error?: Error | null) => void): void;
  /** Ends the sending side after what was written. */
  end(): void;
}

/** Writes to a socket, as long as it takes anything. */
export function socketSink(socket: Writable): Sink {
  return {
    write(texts, done) {
      if (socket.writable) socket.write(texts.join(''), done);
    },
    end() {
      if (socket.writable) socket.end();
    },
  };
}

/**
 * What waits to be written to a connection. Texts of the same turn of the event loop leave as one batch; while one is on
 * its way the next ones wait here, up to a bound in bytes that counts all that has not left. With a text goes the item
 * that it stands for, which is forgotten when the text has left.
 */
export class WriteQueue<Item = undefined> {
  readonly #sink: Sink;
  readonly #maxBytes: number;
  #waiting: string[] = [];
  #waitingItems = 0;
  #waitingBytes = 0;
  #items: Item[] = [];
  #leavingBatches = 0;
  #leavingBytes = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(sink: Sink, maxBytes: number) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that have not left this process. */
  get bytes(): number {
    return this.#waitingBytes + this.#leavingBytes;
  }

  /** What has not left this process, in order. */
  get unsent(): readonly Item[] {
    return this.#items;
  }

  /** Takes a text; false if that would pass the bound. Where nothing waits, a text may be larger than that. */
  push(text: string, item?: Item): boolean {
    const bytes = Buffer.byteLength(text);
    if (this.bytes > 0 && this.bytes + bytes > this.#maxBytes) return false;
    this.#waiting.push(text);
    this.#waitingBytes += bytes;
    if (item !== undefined) {
      this.#items.push(item);
      this.#waitingItems++;
    }
    this.#scheduled ??= setImmediate(flush, this);
    return true;
  }

  /** Hands over what waits, unless a batch is still on its way. */
  flush(): void {
    this.#unschedule();
    if (this.#leavingBatches === 0 && this.#waiting.length > 0) this.#write();
  }

  /** Hands over what waits and `last`, whatever the bound and whether or not a batch is still on its way. */
  writeNow(...last: readonly string[]): void {
    this.#unschedule();
    for (const text of last) {
      this.#waiting.push(text);
      this.#waitingBytes += Buffer.byteLength(text);
    }
    if (this.#waiting.length > 0) this.#write();
  }

  /** Writes what waits and `last` whatever the bound, and ends the sending side. */
  end(...last: readonly string[]): void {
    this.writeNow(...last);
    this.#sink.end();
  }

  #write(): void {
    const texts = this.#waiting;
    const bytes = this.#waitingBytes;
    const items = this.#waitingItems;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#waitingItems = 0;
    this.#leavingBatches++;
    this.#leavingBytes += bytes;
    this.#sink.write(texts, (error) => {
      if (!error) this.#left(bytes, items);
    });
  }

  #left(bytes: number, items: number): void {
    this.#leavingBatches--;
    this.#leavingBytes -= bytes;
    if (items === this.#items.length) this.#items = [];
    else this.#items.splice(0, items);
    this.flush();
  }

  #unschedule(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
  }
}

function flush(queue: { flush(): void }): void {
  queue.flush();
}
