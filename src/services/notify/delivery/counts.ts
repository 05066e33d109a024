/**
 * What each registration was told of since its client was last here, by the registration's key. Of too many registrations those
 * are forgotten that were told of nothing for longest.
 */
export class Counts {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Answers how many there are now. */
  add(key: string, more: number): number {
    const count = this.of(key) + more;
    if (more === 0) return count;
    this.#counts.delete(key);
    this.#counts.set(key, count);
    if (this.#counts.size > this.#limit) this.#forgetOldest();
    return count;
  }

  delete(key: string): void {
    this.#counts.delete(key);
  }

  #forgetOldest(): void {
    for (const key of this.#counts.keys()) {
      this.#counts.delete(key);
      return;
    }
  }
}
