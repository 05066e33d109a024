import type { Registration } from '../registrations/registration.js';
import { patience, retryDelay } from './error-policy.js';
import { type News, Notice } from './notice.js';
import type { Scheduled } from './schedule.js';

/** The most deliveries to a registration that are under way at once. The last place is kept for calls. */
export const places = 4;

/**
 * What is to be told to one registration, and when: at most one notice of each level, and one of a call. What comes is merged
 * into what waits. Times are milliseconds on the clock of the batches.
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
  #urgent: Notice | undefined;
  #important: Notice | undefined;
  #unimportant: Notice | undefined;
  #urgentDue = 0;
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
    if (this.#urgent === undefined) return this.#hasOrdinary ? this.#ordinaryDue : undefined;
    return this.#hasOrdinary ? Math.min(this.#urgentDue, this.#ordinaryDue) : this.#urgentDue;
  }

  /** The same of a call alone. */
  get callDue(): number | undefined {
    return this.#urgent && this.#urgentDue;
  }

  /**
   * Takes news: urgent ones to be told at once, others `wait` milliseconds after the first of them, or with what waits for the
   * end of a back-off.
   */
  add(news: News, now: number, wait: number): Notice {
    if (news.isUrgent) this.#urgentDue = now;
    else if (!this.#hasOrdinary) this.#ordinaryDue = now + wait;
    const waiting = this.#waiting(news);
    if (waiting !== undefined) {
      waiting.renew(news, now);
      return waiting;
    }
    const notice = new Notice(news, now, this.visits);
    this.#put(notice);
    return notice;
  }

  /** The collection is over. A back-off is not. */
  hasten(now: number): void {
    this.#ordinaryDue = Math.max(now, this.#backOffUntil);
  }

  /** What is due, calls first; it waits no longer, nor does what is needless beside it. */
  take(now: number): Notice | undefined {
    const call = this.takeCall(now);
    if (call !== undefined) return call;
    return this.#ordinaryDue <= now ? this.#takeOrdinary() : undefined;
  }

  /** A call that is due. */
  takeCall(now: number): Notice | undefined {
    const urgent = this.#urgent;
    if (urgent === undefined || this.#urgentDue > now) return undefined;
    this.#urgent = undefined;
    return urgent;
  }

  /** A notice that could not be delivered waits until it is tried again, and with it what has come meanwhile. */
  retry(notice: Notice, now: number, after: number | undefined, jitter: number): void {
    const newer = this.#waiting(notice.news);
    notice.giveUpAt = Math.min(notice.giveUpAt, now + patience.other);
    if (!notice.news.isUrgent) this.#backOff(now, after, jitter);
    else if (newer === undefined) this.#urgentDue = now + retryDelay(this.#urgentFailures++, after, jitter);
    if (newer !== undefined) notice.absorb(newer);
    this.#put(notice);
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
    const waiting = [this.#urgent, this.#important, this.#unimportant];
    this.#urgent = undefined;
    this.#important = undefined;
    this.#unimportant = undefined;
    this.#backOffUntil = 0;
    this.#failures = 0;
    this.#urgentFailures = 0;
    return waiting.filter((notice) => notice !== undefined);
  }

  get #hasOrdinary(): boolean {
    return this.#important !== undefined || this.#unimportant !== undefined;
  }

  #takeOrdinary(): Notice | undefined {
    const important = this.#important;
    const unimportant = this.#unimportant;
    if (important === undefined) {
      this.#unimportant = undefined;
      return unimportant;
    }
    this.#important = undefined;
    if (unimportant?.isNeedlessBeside(important)) {
      unimportant.mergeInto(important);
      this.#unimportant = undefined;
    }
    return important;
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
    const collectedUntil = this.#hasOrdinary ? this.#ordinaryDue : now;
    this.#ordinaryDue = Math.max(collectedUntil, this.#backOffUntil);
  }

  #waiting({ isUrgent, level }: News): Notice | undefined {
    if (isUrgent) return this.#urgent;
    return level === 'important' ? this.#important : this.#unimportant;
  }

  #put(notice: Notice): void {
    const { isUrgent, level } = notice.news;
    if (isUrgent) this.#urgent = notice;
    else if (level === 'important') this.#important = notice;
    else this.#unimportant = notice;
  }
}
