/** Messages that a session was given and that the store has until they have arrived. */
export interface Page {
  /** The id of the last one. */
  readonly through: number;
  readonly size: number;
  isDone: boolean;
}

/** What the store has and sessions were given already: for each account, by its id, in order. */
export class LentPages {
  readonly #pages = new Map<number, Page[]>();

  lend(accountId: number, through: number, size: number): Page {
    const page = { through, size, isDone: false };
    this.#pages.set(accountId, [...(this.#pages.get(accountId) ?? []), page]);
    return page;
  }

  /** The id of the last message that somebody was given; 0 for none. */
  last(accountId: number): number {
    return this.#pages.get(accountId)?.at(-1)?.through ?? 0;
  }

  /** How many messages are lent. */
  size(accountId: number): number {
    return this.#pages.get(accountId)?.reduce((sum, page) => sum + page.size, 0) ?? 0;
  }

  /** The id up to which all messages have arrived; undefined if that is not so of the first page. */
  doneThrough(accountId: number): number | undefined {
    let through: number | undefined;
    for (const page of this.#pages.get(accountId) ?? []) {
      if (!page.isDone) break;
      through = page.through;
    }
    return through;
  }

  /** The store has them no more. */
  forget(accountId: number, through: number): void {
    const left = (this.#pages.get(accountId) ?? []).filter((page) => page.through > through);
    if (left.length > 0) this.#pages.set(accountId, left);
    else this.#pages.delete(accountId);
  }
}
