/** Work of which only some may be under way at once, and only some may wait, in order. */
export class BoundedWork {
  readonly #atOnce: number;
  readonly #maxWaiting: number;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number, maxWaiting: number) {
    this.#atOnce = atOnce;
    this.#maxWaiting = maxWaiting;
  }

  /** Does the work when its turn comes; undefined if too much waits already. */
  run<T>(work: () => Promise<T>): Promise<T> | undefined {
    if (this.#underWay < this.#atOnce) return this.#start(work);
    if (this.#waiting.length >= this.#maxWaiting) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => this.#start(work).then(resolve, reject));
    });
  }

  async #start<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work();
    } finally {
      this.#underWay--;
      this.#waiting.shift()?.();
    }
  }
}
