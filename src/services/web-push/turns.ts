import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import type { PushQueueStore } from './store.js';

/** Messages that are claimed at once. */
const batch = 100;

/** Milliseconds between two looks into the store, each of which may cost a wait for the disk: if there is more to be had, or not. */
const restTime = { more: 25, none: 100 };
/** How many times as long as a look has taken is rested after it: one over many that have to wait takes its time from all else. */
const restShare = 10;
const longestShare = 5_000;
/** The longest time without one; until one that has failed is repeated. */
const longestRest = { alone: 300_000, shared: 15_000 };
const failedRest = 5_000;
/** Expired messages are cleared away, and those of other processes counted, at most that often. */
const houseRest = 60_000;

export interface TurnsOptions {
  readonly store: Pick<PushQueueStore, 'expire' | 'count'>;
  readonly isAlone: boolean;
  /** How many more may be claimed. */
  readonly room: () => number;
  /** Takes so many at most that are due; answers how many there were. Rejects with the store's error. */
  readonly claim: (now: number, limit: number) => Promise<number>;
  /**
   * Answers when there may be something to claim, in Unix milliseconds; undefined if nothing is in the store. Rejects with its
   * error.
   */
  readonly nextDue: () => Promise<number | undefined>;
  readonly clock: Clock;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Pick<Events, 'storageFailed' | 'webPushDropped'>;
}

/** Looks into the store when something in it is due. */
export class Turns {
  readonly #options: TurnsOptions;
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined;
  #looking: Promise<void> | undefined;
  /** It is not looked before. */
  #restUntil = Number.NEGATIVE_INFINITY;
  /** What was due while it was looked may have been missed. */
  #isMissed = false;
  #keptAt = Number.NEGATIVE_INFINITY;
  /** Messages that are being added, and how often one was. */
  #adding = 0;
  #additions = 0;
  #state: 'new' | 'running' | 'stopped' = 'new';
  /** The store is empty, and no other process fills it. */
  isEmpty = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Takes what is due, from now on. */
  async start(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'running';
    this.#look();
    await this.#looking;
  }

  /** Something is being added to the store that is due then, in Unix milliseconds. It may be there though that fails. */
  async whileAdding<T>(dueAt: number, add: () => Promise<T>): Promise<T> {
    this.#adding++;
    this.#additions++;
    this.isEmpty = false;
    try {
      return await add();
    } finally {
      this.#adding--;
      this.wake(dueAt);
    }
  }

  /** Something in the store is due then, in Unix milliseconds. */
  wake(at: number): void {
    if (this.#state !== 'running') return;
    const { clock, now, isAlone } = this.#options;
    const longest = isAlone ? longestRest.alone : longestRest.shared;
    const due = clock.now() + Math.min(Math.max(0, at - now()), longest);
    const next = Math.max(due, this.#restUntil);
    if (this.#alarm !== undefined && this.#alarm.at <= next) return;
    this.#alarm?.cancel();
    const cancel = clock.after(Math.ceil(next - clock.now()), () => this.#look());
    this.#alarm = { at: next, cancel };
  }

  /** Claims nothing any more, when this resolves. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#alarm?.cancel();
    await this.#looking;
  }

  #look(): void {
    this.#alarm = undefined;
    this.#isMissed = this.#looking !== undefined;
    const { clock, now } = this.#options;
    const began = clock.now();
    this.#looking ??= this.#takeDue().then((next) => {
      this.#looking = undefined;
      this.#restUntil = clock.now() + restAfter(next, clock.now() - began);
      if (next === 'more' || this.#isMissed) this.wake(now());
      else if (next !== undefined) this.wake(next);
    });
  }

  /** Answers when to look again, `more`: at once. */
  async #takeDue(): Promise<number | 'more' | undefined> {
    const { room, claim, nextDue, now, events, isAlone } = this.#options;
    try {
      await this.#keepHouse();
      const limit = Math.min(batch, room());
      if (this.#state === 'stopped') return undefined;
      if (limit <= 0) return now() + 1_000;
      if ((await claim(now(), limit)) === limit) return 'more';
      // What is being added may be there before the answer is, but not in it.
      const isQuiet = this.#adding === 0;
      const additions = this.#additions;
      const next = await nextDue();
      this.isEmpty = isAlone && next === undefined && isQuiet && additions === this.#additions;
      return next ?? (isAlone ? undefined : Number.POSITIVE_INFINITY);
    } catch (error) {
      events.storageFailed({ what: 'web push queue', error });
      return now() + failedRest;
    }
  }

  /** Others add and remove too, and what they do counts for how many may wait. */
  async #keepHouse(): Promise<void> {
    const { store, isAlone, clock, now, events } = this.#options;
    if (clock.now() - this.#keptAt < houseRest) return;
    const count = await store.expire(now());
    if (count > 0) events.webPushDropped({ why: 'expired', count });
    if (!isAlone) await store.count();
    this.#keptAt = clock.now();
  }
}

/** Milliseconds until the next look, after one that took so many. */
function restAfter(next: number | 'more' | undefined, taken: number): number {
  const least = next === 'more' ? restTime.more : restTime.none;
  return Math.max(least, Math.min(taken * restShare, longestShare));
}
