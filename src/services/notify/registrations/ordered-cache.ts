import { InOrder } from './in-order.js';
import { WeightedCache } from './weighted-cache.js';

/**
 * What is known of a store, by key. Reading and changing the store are work of a key, done in order: so nothing that was read
 * before a change is remembered after it, and what falls out of memory in the middle of a change is read when that is over.
 */
export class OrderedCache<V> {
  readonly #known: WeightedCache<V>;
  readonly #order = new InOrder();
  readonly #readings = new Map<string, Promise<V>>();

  constructor(capacity: number, weigh: (value: V) => number) {
    this.#known = new WeightedCache(capacity, weigh);
  }

  get(key: string): V | undefined {
    return this.#known.get(key);
  }

  /** For work of the key: what it has read or written. */
  set(key: string, value: V): void {
    this.#known.set(key, value);
  }

  /** For work of the key that does not know what is in the store. */
  forget(key: string): void {
    this.#known.delete(key);
  }

  /** Pieces of work for the key that are not done yet. */
  waiting(key: string): number {
    return this.#order.lengthOf(key);
  }

  /** Work that changes nothing: what one of those that ask for it does is for all that ask meanwhile. */
  read(key: string, work: () => Promise<V>): Promise<V> {
    const underWay = this.#readings.get(key);
    if (underWay !== undefined) return underWay;
    const reading = this.#order.take(key, work).finally(() => {
      if (this.#readings.get(key) === reading) this.#readings.delete(key);
    });
    this.#readings.set(key, reading);
    return reading;
  }

  /** Work that may change the store. When it fails, nobody knows what is there: what was known is forgotten. */
  change<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.#order.take(key, async () => {
      try {
        return await work();
      } catch (error) {
        this.forget(key);
        throw error;
      }
    });
  }

  /** Work for a key that is no more: it gets what was known last. Who asks from now on gets nothing that was read before. */
  end(key: string, work: (known: V | undefined) => Promise<void>): Promise<void> {
    this.#readings.delete(key);
    return this.#order.take(key, () => {
      const known = this.#known.get(key);
      this.forget(key);
      return work(known);
    });
  }
}
