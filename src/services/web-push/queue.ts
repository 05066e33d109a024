import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import { retryDelay } from '../retry-delay.js';
import { Answers } from './answers.js';
import type { AttemptOutcome, Attempts } from './attempts.js';
import { Horizon } from './horizon.js';
import type { Lines } from './lines.js';
import type { Origins } from './origins.js';
import { Sending, senderKey, topicKey, type UnderWay } from './sending.js';
import type { PushQueueStore, StoredPush } from './store.js';
import { Turns } from './turns.js';
import { type Item, Ways } from './ways.js';
import type { PushSender, Settled } from './web-push.js';

/** Messages that are claimed and not answered. */
const mostClaimed = 2_000;

/** Origins that the store is told to pass over. */
const mostClosed = 1_000;

/** Milliseconds for which what was claimed is nobody else's. */
const leaseTime = 90_000;

/** Milliseconds that one request takes at the most, with a second one where the first was too large. */
const longestAttempt = 65_000;

/** Milliseconds after which is asked again whether somebody is there for a message. */
const blindTime = 5_000;

/** One that is in the store, and the end of the claim by which it is ours. */
type Claimed = Pick<Item, 'push' | 'claimedUntil'>;

/** Origins that nothing is claimed for. */
interface Closed {
  readonly origins: readonly string[];
  /** Milliseconds until one of them may be open again by itself. */
  readonly time: number;
}

export interface QueueOptions {
  readonly store: PushQueueStore;
  readonly isAlone: boolean;
  readonly attempts: Attempts;
  readonly origins: Origins;
  readonly underWay: UnderWay;
  /** Ends all. */
  readonly end: AbortSignal;
  /** By topics. */
  readonly lines: Lines;
  readonly clock: Clock;
  readonly now: () => number;
  readonly jitter: () => number;
  readonly events: Events;
  /** Nobody is there any more. Never rejects. */
  readonly withdraw: (endpoint: string, sender: PushSender) => Promise<void>;
  /** Whether whoever sent it still wants it sent. Rejects if that is not known now. */
  readonly isWanted: (push: StoredPush) => Promise<boolean>;
  /** Must not throw. */
  readonly settled: (service: string, settled: Settled) => void;
}

/** Tries again what waits in the store. */
export class Queue {
  readonly #options: QueueOptions;
  readonly #turns: Turns;
  readonly #answers: Answers;
  /** What was claimed, by its id. */
  readonly #items = new Map<number, Item>();
  readonly #ways: Ways;
  readonly #horizon: Horizon;
  /** While a claim is under way: senders whose messages have gone meanwhile, so that it may bring them all the same. */
  #changed: Set<string> | undefined;
  #isStopping = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    const { store, isAlone, clock, now, events } = options;
    this.#horizon = new Horizon(clock);
    const room = () => mostClaimed - this.#items.size;
    this.#ways = new Ways({
      room,
      send: (item) => this.#inLine(item),
      left: (item) => this.#leave(item),
      onRoom: () => this.#turns.wake(now()),
    });
    this.#turns = new Turns({
      ...{ store, isAlone, clock, now, events },
      room,
      claim: (claimedAt, limit) => this.#claim(claimedAt, limit),
      nextDue: () => this.#nextDue(),
    });
    this.#answers = new Answers({
      ...{ store, clock, events },
      onPostponed: (changes) => {
        for (const { dueAt } of changes) this.#turns.wake(dueAt);
      },
    });
  }

  /** Nothing waits, as far as can be known without a look. */
  get isEmpty(): boolean {
    return this.#turns.isEmpty;
  }

  start(): Promise<void> {
    return this.#turns.start();
  }

  /** Claims nothing more, and gives back what was not begun. What is under way goes on. */
  async halt(): Promise<void> {
    this.#isStopping = true;
    await this.#turns.stop();
    const items = this.#ways.clear();
    this.#postpone(items, () => this.#options.now());
    for (const item of items) this.#leave(item);
  }

  /** Writes what is left. */
  stop(): Promise<void> {
    return this.#answers.stop();
  }

  /** One is being added to the store that is due then, in Unix milliseconds. */
  whileAdding<T>(dueAt: number, add: () => Promise<T>): Promise<T> {
    return this.#turns.whileAdding(dueAt, add);
  }

  /** Messages of a sender have gone from the store. */
  changed(sender: PushSender): void {
    this.#changed?.add(senderKey(sender));
  }

  /** Answers how many it got. */
  async #claim(claimedAt: number, limit: number): Promise<number> {
    const changed = new Set<string>();
    this.#changed = changed;
    try {
      const { origins } = this.#closed();
      // What this finds need not be passed over once more to claim it.
      const upTo = origins.length === 0 ? 0 : (await this.#findNext(origins)).upTo;
      const claimedUntil = claimedAt + leaseTime;
      const pushes = await this.#options.store.claim(claimedAt, claimedUntil, limit, origins, upTo);
      const taken = pushes.map((push) => ({ push, claimedUntil }));
      this.#take(taken, claimedAt, changed);
      return pushes.length;
    } finally {
      this.#changed = undefined;
    }
  }

  async #nextDue(): Promise<number | undefined> {
    const { origins, time } = this.#closed();
    const { next } = await this.#findNext(origins);
    if (origins.length === 0) return next;
    return Math.min(next ?? Number.POSITIVE_INFINITY, this.#options.now() + time);
  }

  /** When the first is due that may be sent, and up to when nothing is. */
  async #findNext(closed: readonly string[]) {
    const began = this.#options.now();
    const next = await this.#options.store.nextDue(closed, this.#horizon.upTo(closed));
    this.#horizon.found(next, began);
    return { next, upTo: this.#horizon.upTo(closed) };
  }

  /** Those that take nothing now. What waits for them stays as it is, and costs others nothing, however much it is. */
  #closed(): Closed {
    const closed = this.#ways.full().slice(0, mostClosed);
    let time = Number.POSITIVE_INFINITY;
    for (const [origin, held] of this.#options.origins.held()) {
      if (closed.length >= mostClosed) break;
      closed.push(origin);
      time = Math.min(time, held);
    }
    return { origins: closed, time };
  }

  #take(claimed: readonly Claimed[], now: number, gone: ReadonlySet<string>): void {
    const crowded: Claimed[] = [];
    const changed: Claimed[] = [];
    for (const one of claimed) {
      const { push, claimedUntil } = one;
      const item = this.#items.get(push.id);
      // Its time was over, and is not any more.
      if (item !== undefined) item.claimedUntil = claimedUntil;
      else if (this.#answers.has(push.id)) this.#answers.remove(push.id);
      else if (push.expiresAt <= now) this.#drop(push, 'expired');
      else if (this.#isStopping || gone.has(senderKey(push))) changed.push(one);
      else if (this.#ways.hasRoom(push.origin)) this.#enter(one);
      else crowded.push(one);
    }
    this.#postpone(changed, () => this.#options.now());
    this.#postpone(crowded, (push) => this.#place(push));
    this.#ways.proceed();
  }

  #enter({ push, claimedUntil }: Claimed): void {
    const item = { push, sending: new Sending(push, push, true, [this.#options.end]), claimedUntil };
    this.#items.set(push.id, item);
    this.#options.underWay.enter(item.sending);
    this.#ways.add(item);
  }

  #leave({ push, sending }: Item): void {
    this.#items.delete(push.id);
    this.#options.underWay.leave(sending);
  }

  /** After others of its topic. Never rejects. */
  async #inLine(item: Item): Promise<void> {
    const { lines, now } = this.#options;
    const key = topicKey(item.push.endpoint, item.push.topic);
    const done = key === undefined ? this.#try(item) : lines.take(key, () => this.#try(item));
    if (done === undefined) this.#postpone([item], () => now() + 1_000);
    else await done;
  }

  async #try(item: Item): Promise<void> {
    const { push, sending } = item;
    const { attempts, now } = this.#options;
    const isWanted = await this.#isWanted(push);
    const isLate = now() > item.claimedUntil - longestAttempt;
    if (this.#isStopping || sending.isVoid || isLate) {
      this.#postpone([item], () => now());
      return;
    }
    if (isWanted !== true || push.expiresAt <= now()) {
      if (isWanted === undefined) this.#postpone([item], () => now() + blindTime);
      else this.#drop(push, isWanted ? 'expired' : 'withdrawn');
      return;
    }
    const letter = { ...push, shorter: async () => push.shorter };
    const outcome = await attempts.send(letter, sending);
    if (outcome === undefined) this.#postpone([item], () => this.#place(push));
    else await this.#settle(item, outcome);
  }

  /** Undefined if nobody can say. */
  async #isWanted(push: StoredPush): Promise<boolean | undefined> {
    try {
      return await this.#options.isWanted(push);
    } catch (error) {
      this.#options.events.storageFailed({ what: 'web push queue', error });
      return undefined;
    }
  }

  async #settle(item: Item, outcome: AttemptOutcome): Promise<void> {
    const { push, sending } = item;
    if (outcome.kind !== 'retry') {
      this.#answers.remove(push.id);
      if (outcome.kind === 'gone') await this.#options.withdraw(push.endpoint, push);
      const { service, endpoint, reference } = push;
      this.#options.settled(service, { endpoint, reference, outcome });
    } else if (sending.isEnded) this.#postpone([item], () => this.#options.now());
    else this.#retry(item, outcome);
  }

  #retry(
    { push, claimedUntil }: Item,
    { reason, after }: Extract<AttemptOutcome, { readonly kind: 'retry' }>,
  ): void {
    const { now, jitter, events } = this.#options;
    const attempts = push.attempts + 1;
    const dueAt = now() + retryDelay(push.attempts, after, jitter());
    if (dueAt >= push.expiresAt) {
      this.#drop(push, 'expired');
      return;
    }
    this.#answers.postpone([{ id: push.id, claimedUntil, dueAt, attempts }]);
    events.webPushQueued({ origin: push.origin, service: push.service, reason });
  }

  #drop({ id, origin, service }: StoredPush, why: 'expired' | 'withdrawn'): void {
    this.#answers.remove(id);
    this.#options.events.webPushDropped({ origin, service, why, count: 1 });
  }

  /** They have not been tried, and are not forgotten until they expire. */
  #postpone(claimed: readonly Claimed[], dueAt: (push: StoredPush) => number): void {
    this.#answers.postpone(
      claimed.map(({ push, claimedUntil }) => {
        const { id, attempts, expiresAt } = push;
        return { id, claimedUntil, attempts, dueAt: Math.min(dueAt(push), expiresAt) };
      }),
    );
  }

  /** When to look again at one that cannot go now; those of a second together, for each look costs a wait for the disk. */
  #place(push: StoredPush): number {
    const { attempts, now } = this.#options;
    return Math.ceil((now() + attempts.place(push)) / 1_000) * 1_000;
  }
}
