import { LruCache } from './lru-cache.js';

interface Window {
  readonly since: number;
  count: number;
}

/** Changes that are let through of each key until `duration` milliseconds after the first of them. */
export const changeLimit = { each: 100, duration: 10 * 60 * 1000 };

/** Keys with a count; of more, those are forgotten that changed nothing for longest. */
const maxKeys = 10_000;

/** Lets changes of each key through, up to the limit. Times are milliseconds of any clock. */
export class ChangeLimit {
  readonly #windows = new LruCache<Window>(maxKeys);

  /** Counts a change; false if there were enough. */
  take(key: string, now: number): boolean {
    const window = this.#windows.get(key);
    // One that began in the future did so by a clock that was wrong.
    if (window === undefined || Math.abs(now - window.since) >= changeLimit.duration) {
      this.#windows.set(key, { since: now, count: 1 });
      return true;
    }
    window.count++;
    return window.count <= changeLimit.each;
  }
}
