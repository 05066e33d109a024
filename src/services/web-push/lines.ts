interface Line {
  last: Promise<unknown>;
  length: number;
}

/** Work that is done in the order in which it was given, one piece at a time; that of other keys goes on beside it. */
export class Lines {
  readonly #most: number;
  readonly #lines = new Map<string, Line>();

  /** `most`: pieces of work for one key that may be under way or wait. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Does the work when all that was given for the key before is done; undefined if that is too much. Rejects as it does. */
  take<T>(key: string, work: () => Promise<T>): Promise<T> | undefined {
    const line = this.#lines.get(key);
    if (line === undefined) return this.#begin(key, work);
    if (line.length >= this.#most) return undefined;
    return this.#follow(key, line, line.last.then(work));
  }

  #begin<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = { last: Promise.resolve(), length: 0 };
    this.#lines.set(key, line);
    return this.#follow(key, line, work());
  }

  #follow<T>(key: string, line: Line, done: Promise<T>): Promise<T> {
    line.length++;
    const leave = () => {
      if (--line.length === 0) this.#lines.delete(key);
    };
    line.last = done.then(leave, leave);
    return done;
  }
}
