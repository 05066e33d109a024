interface Entry<V> {
  readonly value: V;
  readonly weight: number;
}

/** Values by key. When they weigh more than `capacity` together, those that nobody asked for the longest go. */
export class WeightedCache<V> {
  readonly #capacity: number;
  readonly #weigh: (value: V) => number;
  readonly #entries = new Map<string, Entry<V>>();
  #weight = 0;

  constructor(capacity: number, weigh: (value: V) => number) {
    this.#capacity = capacity;
    this.#weigh = weigh;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** The value stays at least until the next one comes, whatever it weighs. */
  set(key: string, value: V): void {
    this.delete(key);
    const entry = { value, weight: this.#weigh(value) };
    this.#entries.set(key, entry);
    this.#weight += entry.weight;
    for (const [oldest] of this.#entries) {
      if (this.#weight <= this.#capacity || oldest === key) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }
}
