import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { PushQueueStore } from './store.js';

/** Milliseconds until it is tried again to remove those that could not be. */
const pause = 5_000;

type Change = Parameters<PushQueueStore['postpone']>[0][number];

export interface AnswersOptions {
  readonly store: Pick<PushQueueStore, 'remove' | 'postpone'>;
  readonly clock: Clock;
  readonly events: Pick<Events, 'storageFailed'>;
  /** Those are in the store with their new times. Must not throw. */
  readonly onPostponed: (changes: readonly Change[]) => void;
}

/**
 * Writes what came of messages from the queue: what comes while one statement is under way is the next. One that was answered for
 * good is never sent again, though the store fails: it is remembered until it is gone. They are no more than what was claimed.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #answered = new Set<number>();
  #removed: number[] = [];
  #postponed: Change[] = [];
  #underWay: Promise<void> | undefined;
  #retry: (() => void) | undefined;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** It was answered for good, but may be in the store still. */
  has(id: number): boolean {
    return this.#answered.has(id);
  }

  remove(id: number): void {
    this.#answered.add(id);
    this.#removed.push(id);
    this.#underWay ??= this.#work();
  }

  postpone(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    this.#postponed.push(...changes);
    this.#underWay ??= this.#work();
  }

  /** Waits until what was given is written, or cannot be. */
  async settle(): Promise<void> {
    await this.#underWay;
  }

  /** Writes what is left, once; nothing is tried again afterwards. */
  async stop(): Promise<void> {
    await this.settle();
    this.#retry?.();
    if (this.#answered.size > 0) await this.#remove([...this.#answered]);
    this.#retry?.();
  }

  async #work(): Promise<void> {
    // What else is answered in this turn goes along.
    await Promise.resolve();
    while (this.#removed.length + this.#postponed.length > 0) {
      const removed = this.#removed;
      const postponed = this.#postponed;
      this.#removed = [];
      this.#postponed = [];
      await Promise.all([this.#remove(removed), this.#postpone(postponed)]);
    }
    this.#underWay = undefined;
  }

  async #remove(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    try {
      await this.#options.store.remove(ids);
      for (const id of ids) this.#answered.delete(id);
    } catch (error) {
      this.#options.events.storageFailed({ what: 'web push answers', error });
      this.#retry ??= this.#options.clock.after(pause, () => this.#removeAgain());
    }
  }

  #removeAgain(): void {
    this.#retry = undefined;
    this.#removed = [...this.#answered];
    this.#underWay ??= this.#work();
  }

  /** Those that cannot be written are due again when their claim has run out. */
  async #postpone(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    try {
      await this.#options.store.postpone(changes);
      this.#options.onPostponed(changes);
    } catch (error) {
      this.#options.events.storageFailed({ what: 'web push answers', error });
    }
  }
}
