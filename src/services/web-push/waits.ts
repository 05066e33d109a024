/** Moments until which something has to wait, by name. Those that were set first are forgotten if they are too many. */
export class Waits {
  readonly #most: number;
  readonly #until = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined if it has not to wait, at the moment `now`. */
  get(name: string, now: number): number | undefined {
    const until = this.#until.get(name);
    if (until === undefined || until > now) return until;
    this.#until.delete(name);
    return undefined;
  }

  set(name: string, until: number): void {
    this.#until.delete(name);
    if (this.#until.size >= this.#most) {
      const [first] = this.#until.keys();
      if (first !== undefined) this.#until.delete(first);
    }
    this.#until.set(name, until);
  }
}
