interface Open {
  count: number;
  readonly onDone: (() => void)[];
}

/** Work on accounts that is under way, by their ids. */
export class UnderWay {
  readonly #open = new Map<number, Open>();

  /** Begins the work at once. */
  async run<T>(accountId: number, work: () => Promise<T>): Promise<T> {
    const open = this.#open.get(accountId) ?? { count: 0, onDone: [] };
    this.#open.set(accountId, open);
    open.count++;
    try {
      return await work();
    } finally {
      open.count--;
      if (open.count === 0) this.#end(accountId, open);
    }
  }

  /** Done when nothing is under way for the account; undefined if nothing is. */
  settled(accountId: number): Promise<void> | undefined {
    const open = this.#open.get(accountId);
    return open && new Promise((resolve) => open.onDone.push(resolve));
  }

  #end(accountId: number, { onDone }: Open): void {
    this.#open.delete(accountId);
    for (const done of onDone) done();
  }
}
