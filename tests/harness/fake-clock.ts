import type { Clock } from '../../src/xmpp/clock.js';

interface Alarm {
  readonly at: number;
  readonly action: () => void;
}

/** A clock whose hands the test turns. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.#now;
  }

  after(delay: number, action: () => void): () => void {
    const alarm = { at: this.#now + delay, action };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Milliseconds until each alarm that is set, the nearest first. */
  get pending(): readonly number[] {
    return this.#inOrder().map((alarm) => alarm.at - this.#now);
  }

  /** Moves on by `duration` milliseconds; alarms ring in order, each at its own time. */
  advance(duration: number): void {
    const end = this.#now + duration;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#alarms.delete(next);
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
  }

  #next(end: number): Alarm | undefined {
    return this.#inOrder().find((alarm) => alarm.at <= end);
  }

  #inOrder(): Alarm[] {
    return [...this.#alarms].sort((a, b) => a.at - b.at);
  }
}
