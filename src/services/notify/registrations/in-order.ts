interface Line {
  last: Promise<unknown>;
  length: number;
}

/** Work that is done in the order in which it was given, one piece at a time; that of other keys goes on beside it. */
export class InOrder {
  readonly #lines = new Map<string, Line>();

  /** Pieces of work for the key that are not done yet. */
  lengthOf(key: string): number {
    return this.#lines.get(key)?.length ?? 0;
  }

  /** Does the work when all that was given for the key before is done. Rejects with what it throws. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { last: Promise.resolve(), length: 0 };
    this.#lines.set(key, line);
    line.length++;
    const done = line.last.then(work);
    line.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      line.length--;
      if (line.length === 0) this.#lines.delete(key);
    }
  }
}
