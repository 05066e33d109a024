import { LruCache } from '../../lru-cache.js';

interface Window {
  readonly since: number;
  count: number;
}

/** Milliseconds that publishes are counted for together. */
const duration = 60_000;

/** Registrations with a count; of more, those are forgotten that were published for longest ago. */
const maxWindows = 50_000;

/** Counts publishes of each registration, minute by minute from the first one on. Times are Unix milliseconds. */
export class Rate {
  readonly #windows = new LruCache<Window>(maxWindows);

  /** Counts one; if there were `limit` in its minute already, the answer is when that ends. */
  take(node: string, now: number, limit: number): number | undefined {
    if (limit === 0) return undefined;
    const window = this.#windows.get(node);
    // One that began in the future did so by a clock that was wrong.
    if (window === undefined || now < window.since || now >= window.since + duration) {
      this.#windows.set(node, { since: now, count: 1 });
      return undefined;
    }
    window.count++;
    return window.count > limit ? window.since + duration : undefined;
  }
}
