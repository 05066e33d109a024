import type { Clock } from '../../../xmpp/clock.js';

/** Something with a time at which it is looked at. The schedule alone writes both. */
export interface Scheduled {
  /** When, on the clock of the schedule. */
  at: number;
  /** Where in the schedule it is; -1: not in it. */
  place: number;
}

/**
 * Times of many things, each its own, with one timer for all of them: a binary heap, the next one first. The timer rings at
 * most once in `precision` milliseconds, for a timer each would cost more than what is done then.
 */
export class Schedule<T extends Scheduled> {
  readonly #clock: Clock;
  readonly #precision: number;
  readonly #ring: (item: T) => void;
  readonly #heap: T[] = [];
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined;
  #isRinging = false;

  /** `ring` is called for what is in the schedule when its time has come, and not in it any more then; must not throw. */
  constructor(clock: Clock, precision: number, ring: (item: T) => void) {
    this.#clock = clock;
    this.#precision = precision;
    this.#ring = ring;
  }

  /** At that time, whatever was said before. */
  set(item: T, at: number): void {
    if (item.place !== -1 && item.at === at) return;
    const gap = item.place === -1 ? this.#heap.length : item.place;
    item.at = at;
    this.#settle(item, gap);
    if (!this.#isRinging) this.#wait(at);
  }

  delete(item: T): void {
    const { place } = item;
    if (place === -1) return;
    item.place = -1;
    const last = this.#heap.pop();
    if (last !== undefined && last !== item) this.#settle(last, place);
    if (this.#heap.length === 0) this.#sleep();
  }

  /** Forgets all of them. */
  clear(): void {
    for (const item of this.#heap) item.place = -1;
    this.#heap.length = 0;
    this.#sleep();
  }

  #sleep(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #wait(until: number): void {
    if (this.#alarm !== undefined && this.#alarm.at <= until) return;
    this.#sleep();
    const delay = Math.max(0, until - this.#clock.now());
    this.#alarm = { at: until, cancel: this.#clock.after(delay, () => this.#look()) };
  }

  #look(): void {
    this.#alarm = undefined;
    this.#isRinging = true;
    const now = this.#clock.now();
    for (let [next] = this.#heap; next !== undefined && next.at <= now; [next] = this.#heap) {
      this.delete(next);
      this.#ring(next);
    }
    this.#isRinging = false;
    const [next] = this.#heap;
    if (next !== undefined) this.#wait(Math.max(next.at, now + this.#precision));
  }

  /** Puts an item where the heap has a gap, and what is in its way one place on. */
  #settle(item: T, gap: number): void {
    this.#sink(item, this.#rise(item, gap));
  }

  #rise(item: T, gap: number): number {
    let place = gap;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.at <= item.at) break;
      this.#put(parent, place);
      place = above;
    }
    return place;
  }

  #sink(item: T, gap: number): void {
    let place = gap;
    for (let below = this.#sooner(place); below !== undefined; below = this.#sooner(place)) {
      if (below.at >= item.at) break;
      const from = below.place;
      this.#put(below, place);
      place = from;
    }
    this.#put(item, place);
  }

  /** The sooner one of the two below a place. */
  #sooner(place: number): T | undefined {
    const left = this.#heap[2 * place + 1];
    const right = this.#heap[2 * place + 2];
    return left === undefined || right === undefined || left.at <= right.at ? left : right;
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }
}
