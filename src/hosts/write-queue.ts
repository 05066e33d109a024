import type { Writable } from 'node:stream';

/** Where a queue's texts go: a connection, or something that puts each text into a frame. */
export interface Sink {
  /** Writes texts in order. Calls `done` when all have left this process; with an error, or never, if not all do. */
  write(texts: readonly string[], done: (error?: Error | null) => void): void;
  /** Ends the sending side after what was written. */
  end(): void;
}

/** Writes to a socket, as long as it takes anything. */
export function socketSink(socket: Writable): Sink {
  return {
    write(texts, done) {
      if (socket.writable) socket.write(texts.join(''), doneUnlessDestroyed(socket, done));
    },
    end() {
      if (socket.writable) socket.end();
    },
  };
}

/**
 * Of a write that was under way when its socket was destroyed, Node says that it is done, whether or not all of it had
 * left. What comes of this says that it failed.
 */
export function doneUnlessDestroyed(
  socket: { readonly destroyed: boolean },
  done: (error?: Error | null) => void,
): (error?: Error | null) => void {
  return (error) => done(error ?? (socket.destroyed ? new Error('the socket was destroyed') : null));
}

/**
 * Bytes that leave in one batch, unless a single text is larger. A batch counts as a whole: if the connection breaks in the
 * middle of it, nobody knows what of it arrived, and all of it is unsent.
 */
const maxBatchBytes = 64 * 1024;

/**
 * What waits to be written to a connection. Texts of the same turn of the event loop leave as one batch; while one is on
 * its way the next ones wait here, up to a bound in bytes that counts all that has not left. With a text goes the item
 * that it stands for, which is forgotten when the text has left.
 */
export class WriteQueue<Item = undefined> {
  readonly #sink: Sink;
  readonly #maxBytes: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** One for each text that has not left. */
  #items: (Item | undefined)[] = [];
  /** What each of them counts for. */
  #costs: number[] = [];
  #leavingBatches = 0;
  #leavingBytes = 0;
  #isEnding = false;
  #onEmpty: (() => void)[] = [];
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
    return this.#items.filter((item) => item !== undefined);
  }

  /**
   * Takes a text; false if that would pass the bound. Where nothing waits, a text may be larger than that. `cost` is what
   * it counts for, if its item makes that more than its bytes.
   */
  push(text: string, item?: Item, cost = Buffer.byteLength(text)): boolean {
    if (this.bytes > 0 && this.bytes + cost > this.#maxBytes) return false;
    this.#add(text, cost, item);
    this.#scheduled ??= setImmediate(flush, this);
    return true;
  }

  /** Calls back when all has left: at once if nothing waits, and never if the connection breaks before. */
  onceEmpty(callback: () => void): void {
    if (this.bytes === 0) callback();
    else this.#onEmpty.push(callback);
  }

  /** Hands over what waits, unless a batch is still on its way. */
  flush(): void {
    this.#unschedule();
    if (this.#leavingBatches > 0) return;
    if (this.#waiting.length > 0) this.#write(...this.#takeBatch());
    if (this.#isEnding && this.#waiting.length === 0) this.#sink.end();
  }

  /** Hands over what waits and `last`, whatever the bound and whether or not a batch is still on its way. */
  writeNow(...last: readonly string[]): void {
    this.#unschedule();
    for (const text of last) this.#add(text, Buffer.byteLength(text));
    if (this.#waiting.length > 0) this.#write(...this.#takeAll());
  }

  /** Writes what waits and `last` whatever the bound, batch by batch, and ends the sending side. */
  end(...last: readonly string[]): void {
    for (const text of last) this.#add(text, Buffer.byteLength(text));
    this.#isEnding = true;
    this.flush();
  }

  #add(text: string, cost: number, item?: Item): void {
    this.#waiting.push(text);
    this.#waitingBytes += cost;
    this.#items.push(item);
    this.#costs.push(cost);
  }

  #takeAll(): [texts: readonly string[], bytes: number] {
    const texts = this.#waiting;
    const bytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return [texts, bytes];
  }

  #takeBatch(): [texts: readonly string[], bytes: number] {
    if (this.#waitingBytes <= maxBatchBytes) return this.#takeAll();
    const first = this.#costs.length - this.#waiting.length;
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < maxBatchBytes) {
      bytes += this.#costs[first + count] ?? 0;
      count++;
    }
    this.#waitingBytes -= bytes;
    return [this.#waiting.splice(0, count), bytes];
  }

  #write(texts: readonly string[], bytes: number): void {
    this.#leavingBatches++;
    this.#leavingBytes += bytes;
    this.#sink.write(texts, (error) => {
      if (!error) this.#left(texts.length, bytes);
    });
  }

  #left(count: number, bytes: number): void {
    this.#leavingBatches--;
    this.#leavingBytes -= bytes;
    this.#items = this.#items.slice(count);
    this.#costs = this.#costs.slice(count);
    this.flush();
    if (this.bytes > 0) return;
    for (const callback of this.#onEmpty.splice(0)) callback();
  }

  #unschedule(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
  }
}

function flush(queue: { flush(): void }): void {
  queue.flush();
}
