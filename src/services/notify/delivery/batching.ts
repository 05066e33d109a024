import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Jid } from '../../../xmpp/jid.js';
import type { Outcome } from '../channel.js';
import { isResting, type Registration } from '../registrations/registration.js';
import { Absences } from './absences.js';
import type { Deliveries } from './deliveries.js';
import type { Healths } from './healths.js';
import { Lane, places } from './lane.js';
import type { News, Notice } from './notice.js';
import { Schedule } from './schedule.js';

export interface BatchesOptions {
  readonly deliveries: Pick<Deliveries, 'begin' | 'end'>;
  readonly healths: Pick<Healths, 'of'>;
  readonly clock: Clock;
  readonly events: Pick<Events, 'notificationDropped'>;
  /** From 0 up to 1. */
  readonly jitter: () => number;
  /** Milliseconds. */
  readonly collectionTime: () => number;
  /** Hears that a device was told of something important. */
  readonly onTold: (registration: Registration) => void;
  /** Registrations that may have something to be told of. */
  readonly maxLanes?: number;
}

type WhyDropped = Parameters<Events['notificationDropped']>[0]['why'];

/** How late the end of a collection or of a back-off may be found, in milliseconds. */
const precision = 10;
/** Milliseconds that answers are waited for at the end. */
const lastPatience = 5_000;
const maxCounts = 100_000;

const busy: Outcome = { kind: 'retry', reason: 'it is being told of as much as it may be at once' };

/**
 * What is to be told to registrations: collects what comes, merges what has to wait, tries again what could not be delivered,
 * and lets go of what is of no use any more.
 */
export class Batches {
  readonly #options: BatchesOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #maxLanes: number;
  readonly #schedule: Schedule<Lane>;
  readonly #absences = new Absences(maxCounts);
  #isStopped = false;

  constructor(options: BatchesOptions) {
    this.#options = options;
    this.#maxLanes = options.maxLanes ?? 50_000;
    this.#schedule = new Schedule(options.clock, precision, (lane) => this.#advance(lane));
  }

  /** Whether nobody was told of anything since its client was back, nor is to be. */
  get isEmpty(): boolean {
    return this.#lanes.size === 0 && this.#absences.isEmpty;
  }

  /**
   * Has a registration told of something: at once if that is urgent or this has stopped, else when the collection is over.
   * Answers what became of it; undefined if it was dropped, because there is too much, or because this has stopped, and nobody
   * would have it on disk if it cannot be delivered.
   */
  add(registration: Registration, news: News): Notice | undefined {
    const lane = this.#laneOf(registration);
    if (lane === undefined) {
      this.#report(registration, this.#isStopped ? 'too late' : 'too many');
      return undefined;
    }
    const notice = lane.add(news, this.#options.clock.now(), this.#options.collectionTime());
    this.#loseExcess(lane);
    if (news.isUrgent || this.#isStopped) this.#advance(lane);
    else this.#wait(lane);
    return notice;
  }

  /**
   * The client has not got yet what a notice tells of. If that is under way since before the client was here, and fails, it is
   * tried again; if it was delivered, that counts, though the client has been here since.
   */
  again(registration: Registration, { whole }: Notice): void {
    if (whole.isDelivered && whole.news.level === 'important') this.#options.onTold(registration);
    const lane = this.#lanes.get(registration.key);
    if (lane === undefined || whole.visit === lane.visits) return;
    whole.visit = lane.visits;
    if (whole.news.isCounted) whole.uncounted = 1;
  }

  /** Tells at once of what is collected, unless it backs off. */
  hasten(registration: Registration): void {
    const lane = this.#lanes.get(registration.key);
    if (lane === undefined) return;
    lane.hasten(this.#options.clock.now());
    this.#advance(lane);
  }

  /**
   * The client is back: it need not be told of what waits. That counts as told if the client has begun anew; but one that has
   * resumed its session may be gone before it gets what is in the queue. So it is with what its channel has on disk.
   */
  back(registration: Registration, how: 'resumed' | 'begun'): void {
    const absence = this.#absences.end(registration.key);
    if (how === 'resumed') absence?.withdraw();
    registration.target.withdraw?.();
    const lane = this.#lanes.get(registration.key);
    if (lane === undefined) return;
    lane.visits++;
    for (const notice of lane.clear()) {
      if (how === 'resumed') notice.lose();
      this.#report(registration, 'client is back');
    }
    this.#wait(lane);
  }

  /** It rests, or is gone: nothing of what waits is told. */
  drop(registration: Registration, why: 'rests' | 'removed'): void {
    const lane = this.#lanes.get(registration.key);
    if (why === 'removed') {
      this.#absences.end(registration.key);
      registration.target.withdraw?.();
    }
    if (lane === undefined) return;
    for (const notice of lane.clear()) this.#lose(lane, notice, why);
    lane.isClosed = why === 'removed';
    this.#wait(lane);
  }

  /** What became of a notification that was queued is known. */
  settle(registration: Registration, outcome: Outcome): void {
    const isTold = this.#absences.get(registration.key)?.settle(outcome.kind === 'delivered');
    if (isTold === true) this.#options.onTold(registration);
  }

  /** The account is removed, with registrations that nobody else remembers. */
  dropAccount(account: Jid): void {
    for (const { registration } of this.#lanes.values()) {
      if (registration.account.equals(account)) this.drop(registration, 'removed');
    }
  }

  /** Tells it that there might be something, whatever its health; does not try again. */
  ping(registration: Registration): Promise<Outcome> {
    const lane = this.#laneOf(registration);
    if (lane === undefined || lane.underWay >= places - 1) return Promise.resolve(busy);
    const message = { level: 'unimportant', kind: 'ping', stanza: undefined } as const;
    const count = this.#absences.count(registration.key, '', 0);
    return new Promise((resolve) => {
      lane.underWay++;
      this.#options.deliveries.begin(registration, { ...message, count }, (outcome) => {
        resolve(outcome);
        if (outcome.kind === 'queued') this.#absences.enter(registration.key).queue(false);
        this.#leave(lane, outcome);
      });
    });
  }

  /** Tells of what waits, once; waits for what is under way for a while. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#schedule.clear();
    for (const lane of [...this.#lanes.values()]) this.#advance(lane);
    await this.#options.deliveries.end(lastPatience);
    for (const lane of [...this.#lanes.values()]) this.#end(lane);
  }

  /** Slow answers have kept something waiting. A channel that keeps on disk what it cannot deliver takes it all the same. */
  #end(lane: Lane): void {
    for (const notice of lane.clear()) {
      if (isKept(lane.registration)) this.#tell(lane, notice);
      else this.#lose(lane, notice, 'too late');
    }
  }

  #laneOf(registration: Registration): Lane | undefined {
    const lane = this.#lanes.get(registration.key);
    if (this.#isStopped && !isKept(registration)) return undefined;
    if (lane === undefined) return this.#open(registration);
    // Another object if it fell out of the cache meanwhile.
    lane.registration = registration;
    return lane;
  }

  #open(registration: Registration): Lane | undefined {
    if (this.#lanes.size >= this.#maxLanes) return undefined;
    const lane = new Lane(registration);
    this.#lanes.set(registration.key, lane);
    return lane;
  }

  /** Tells of what is due, as far as there is room. */
  #advance(lane: Lane): void {
    const now = this.#options.clock.now();
    for (let notice = this.#take(lane, now); notice !== undefined; notice = this.#take(lane, now)) {
      if (notice.giveUpAt <= now) this.#lose(lane, notice, 'too late');
      else this.#tell(lane, notice);
    }
    this.#wait(lane);
  }

  #take(lane: Lane, now: number): Notice | undefined {
    const until = this.#isStopped ? Number.POSITIVE_INFINITY : now;
    const room = this.#roomOf(lane);
    if (room === 'calls') return lane.takeCall(until);
    return room === 'all' ? lane.take(until) : undefined;
  }

  /** One that rests is tried by one thing alone. Of the others, slow answers to much else keep no call waiting. */
  #roomOf({ registration, underWay }: Lane): 'all' | 'calls' | 'none' {
    if (isResting(this.#options.healths.of(registration))) return underWay === 0 ? 'all' : 'none';
    if (underWay < places - 1) return 'all';
    return underWay < places ? 'calls' : 'none';
  }

  #dueOf(lane: Lane): number | undefined {
    const room = this.#roomOf(lane);
    if (room === 'calls') return lane.callDue;
    return room === 'all' ? lane.nextDue : undefined;
  }

  /** Waits for the first time that is to come; if there is no room, for that: who leaves looks at what is due. */
  #wait(lane: Lane): void {
    const due = this.#dueOf(lane);
    if (due === undefined) this.#schedule.delete(lane);
    else if (!this.#isStopped) this.#schedule.set(lane, due);
    if (lane.isIdle || lane.isClosed) this.#forget(lane);
  }

  #forget(lane: Lane): void {
    const { key } = lane.registration;
    if (this.#lanes.get(key) === lane) this.#lanes.delete(key);
  }

  #tell(lane: Lane, notice: Notice): void {
    const { registration } = lane;
    const { level, kind, stanza, topic } = notice.news;
    const count = this.#absences.count(registration.key, topic, notice.takeUncounted());
    lane.underWay++;
    this.#options.deliveries.begin(registration, { level, kind, stanza, count }, (outcome) => {
      if (outcome.kind === 'retry') this.#retry(lane, notice, outcome.after);
      else if (outcome.kind === 'delivered') this.#succeed(lane, notice);
      else if (outcome.kind === 'queued') this.#queue(lane, notice);
      this.#leave(lane, outcome);
    });
  }

  /** What the client has got meanwhile is no reason for it to come back. */
  #succeed(lane: Lane, notice: Notice): void {
    notice.deliver();
    const isNews = notice.visit === lane.visits;
    if (isNews && notice.news.level === 'important') this.#options.onTold(lane.registration);
  }

  /** It is its channel's from now on. The client was not told, and its session waits on for it. */
  #queue(lane: Lane, notice: Notice): void {
    const { registration } = lane;
    const isBack = lane.visits !== notice.visit;
    if (!lane.isClosed && !isBack) {
      const absence = this.#absences.enter(registration.key);
      absence.queue(notice.news.level === 'important');
      notice.queuedIn = absence;
      return;
    }
    this.#lose(lane, notice, lane.isClosed ? 'removed' : 'client is back');
    // What was queued since then is for a client that has gone again.
    if (lane.isClosed || this.#absences.get(registration.key)?.hasQueued !== true)
      registration.target.withdraw?.();
  }

  #leave(lane: Lane, outcome: Outcome): void {
    lane.underWay--;
    if (outcome.kind === 'delivered') lane.succeed(this.#options.clock.now());
    this.#advance(lane);
  }

  #retry(lane: Lane, notice: Notice, after: number | undefined): void {
    if (lane.isClosed) this.#lose(lane, notice, 'removed');
    else if (lane.visits !== notice.visit) this.#lose(lane, notice, 'client is back');
    else if (this.#isStopped) this.#lose(lane, notice, 'too late');
    else {
      lane.retry(notice, this.#options.clock.now(), after, this.#options.jitter());
      this.#loseExcess(lane);
    }
  }

  #loseExcess(lane: Lane): void {
    const excess = lane.takeExcess();
    if (excess !== undefined) this.#lose(lane, excess, 'too many');
  }

  #lose(lane: Lane, notice: Notice, why: WhyDropped): void {
    notice.lose();
    this.#report(lane.registration, why);
  }

  #report({ account, channel }: Registration, why: WhyDropped): void {
    this.#options.events.notificationDropped({ jid: account.toString(), channel, why });
  }
}

/** Whether its channel keeps on disk what it cannot deliver. */
const isKept = ({ target }: Registration) => target.withdraw !== undefined;
