import { retryDelay } from '../../retry-delay.js';
import type { Registration } from '../registrations/registration.js';
import { patience } from './error-policy.js';
import { type News, Notice } from './notice.js';
import type { Scheduled } from './schedule.js';
import { Waiting } from './waiting.js';

/** The most deliveries to a registration that are under way at once. The last place is kept for calls. */
export const places = 4;

/**
 * What is to be told to one registration, and when: of each topic at most one notice of each level, and one of a call. What
 * comes is merged into what waits. Times are milliseconds on the clock of the batches.
 */
export class Lane implements Scheduled {
  registration: Registration;
  at = 0;
  place = -1;
  /** How many deliveries are under way. */
  underWay = 0;
  /** How often its client was back: what was under way before that is not tried again. */
  visits = 0;
  /** The registration is gone. */
  isClosed = false;
  readonly #urgent = new Waiting();
  readonly #ordinary = new Waiting();
  #ordinaryDue = 0;
  /** Attempts in a row that were in vain. */
  #urgentFailures = 0;
  #failures = 0;
  #backOffUntil = 0;
  /** The service itself has said for how long. */
  #isAskedToWait = false;

  constructor(registration: Registration) {
    this.registration = registration;
  }

  /** Nothing waits, and nothing is under way. */
  get isIdle(): boolean {
    return this.underWay === 0 && this.nextDue === undefined;
  }

  /** When the first of what waits may go, which may be over; undefined if nothing does. */
  get nextDue(): number | undefined {
    const { callDue } = this;
    if (this.#ordinary.isEmpty) return callDue;
    return callDue === undefined ? this.#ordinaryDue : Math.min(callDue, this.#ordinaryDue);
  }

  /** The same of a call alone. */
  get callDue(): number | undefined {
    return this.#urgent.soonest()?.due;
  }

  /**
   * Takes news: urgent ones to be told at once, others `wait` milliseconds after the first of them, or with what waits for the
   * end of a back-off.
   */
  add(news: News, now: number, wait: number): Notice {
    if (!news.isUrgent && this.#ordinary.isEmpty) this.#ordinaryDue = now + wait;
    const waiting = this.#waitingWith(news);
    const known = waiting.find(news);
    if (known === undefined) return waiting.add(new Notice(news, now, this.visits));
    known.renew(news, now);
    return known;
  }

  /** The collection is over. A back-off is not. */
  hasten(now: number): void {
    this.#ordinaryDue = Math.max(now, this.#backOffUntil);
  }

  /** What is due, calls first; it waits no longer, nor does what is needless beside it. */
  take(now: number): Notice | undefined {
    const call = this.takeCall(now);
    if (call !== undefined) return call;
    return this.#ordinaryDue <= now ? this.#ordinary.take() : undefined;
  }

  /** A call that is due. */
  takeCall(now: number): Notice | undefined {
    const call = this.#urgent.soonest();
    if (call === undefined || call.due > now) return undefined;
    this.#urgent.remove(call);
    return call;
  }

  /** If more waits than may: what is not told then. */
  takeExcess(): Notice | undefined {
    return this.#urgent.takeExcess() ?? this.#ordinary.takeExcess();
  }

  /** A notice that could not be delivered waits until it is tried again, and with it what has come meanwhile. */
  retry(notice: Notice, now: number, after: number | undefined, jitter: number): void {
    const waiting = this.#waitingWith(notice.news);
    const newer = waiting.find(notice.news);
    notice.giveUpAt = Math.min(notice.giveUpAt, now + patience.other);
    if (!notice.news.isUrgent) this.#backOff(now, after, jitter);
    else if (newer === undefined) notice.due = now + retryDelay(this.#urgentFailures++, after, jitter);
    if (newer !== undefined) {
      notice.absorb(newer);
      waiting.remove(newer);
    }
    waiting.add(notice);
  }

  /** A delivery has succeeded: the next failure is the first one, and what backs off need not, unless it was asked to. */
  succeed(now: number): void {
    this.#failures = 0;
    this.#urgentFailures = 0;
    if (this.#isAskedToWait || this.#backOffUntil <= now) return;
    this.#backOffUntil = 0;
    this.#ordinaryDue = now;
  }

  /** Empties it; what has waited is the answer. */
  clear(): Notice[] {
    this.#backOffUntil = 0;
    this.#failures = 0;
    this.#urgentFailures = 0;
    return [...this.#urgent.clear(), ...this.#ordinary.clear()];
  }

  /** Several that fail at once are one failure; the longest time that is asked for counts. */
  #backOff(now: number, after: number | undefined, jitter: number): void {
    const isFirst = this.#backOffUntil <= now;
    if (isFirst) this.#isAskedToWait = false;
    if (isFirst || after !== undefined) {
      this.#isAskedToWait ||= after !== undefined;
      const until = now + retryDelay(this.#failures, after, jitter);
      this.#backOffUntil = Math.max(this.#backOffUntil, until);
    }
    if (isFirst) this.#failures++;
    const collectedUntil = this.#ordinary.isEmpty ? now : this.#ordinaryDue;
    this.#ordinaryDue = Math.max(collectedUntil, this.#backOffUntil);
  }

  #waitingWith({ isUrgent }: News): Waiting {
    return isUrgent ? this.#urgent : this.#ordinary;
  }
}
