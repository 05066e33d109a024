/** Work of some milliseconds, one piece in each turn of the event loop: others get theirs in between. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work when all that was given before is done. Rejects with what it throws. */
  take<T>(work: () => T): Promise<T> {
    const done = this.#last.then(nextTurn).then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));
