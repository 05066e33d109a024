/**
 * Work that a peer's stanzas have caused and that is not done: it is acknowledged when it is. So a peer that sends much need
 * not be waited for after each stanza.
 */
export class InFlight {
  readonly #max: number;
  readonly #open = new Set<Promise<void>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes on work that never rejects. Returns something to wait for before more may be begun, if there is too much of it. */
  add(work: Promise<void>): Promise<void> | undefined {
    this.#open.add(work);
    void work.then(() => this.#open.delete(work));
    return this.#open.size > this.#max ? work : undefined;
  }

  /** Done when all that is under way now is; undefined if nothing is. */
  settled(): Promise<void> | undefined {
    if (this.#open.size === 0) return undefined;
    return Promise.all(this.#open).then(() => undefined);
  }
}
