/** Publishes of one registration, and of all, that wait for push services at once. */
export const mostUnderWay = { each: 10, inAll: 1_000 };

/** Publishes that are at work. */
export class UnderWay {
  readonly #works = new Set<Promise<unknown>>();
  readonly #waits = new Set<AbortController>();
  readonly #byNode = new Map<string, number>();
  #isStopping = false;

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** So many wait, for that registration or in all, that one more had better not. */
  isCrowded(node: string): boolean {
    return this.#waits.size >= mostUnderWay.inAll || (this.#byNode.get(node) ?? 0) >= mostUnderWay.each;
  }

  /** Work that a stop waits for. */
  async run<T>(work: Promise<T>): Promise<T> {
    this.#works.add(work);
    try {
      return await work;
    } finally {
      this.#works.delete(work);
    }
  }

  /** A wait that can be ended: by what `limit` is given, which returns how to call that off; or by a stop. */
  async wait<T>(
    node: string,
    limit: (end: () => void) => () => void,
    action: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const end = () => controller.abort();
    if (this.#isStopping) end();
    const callOff = limit(end);
    this.#waits.add(controller);
    this.#count(node, 1);
    try {
      return await action(controller.signal);
    } finally {
      callOff();
      this.#waits.delete(controller);
      this.#count(node, -1);
    }
  }

  /** Ends all waits, and those that come. Resolves when the work that was begun before is done. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const controller of this.#waits) controller.abort();
    await Promise.allSettled(this.#works);
  }

  #count(node: string, change: number): void {
    const count = (this.#byNode.get(node) ?? 0) + change;
    if (count === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, count);
  }
}
