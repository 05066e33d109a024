import type { Events } from '../../observability/events.js';
import type { SendOutcome } from '../../web-push/request.js';
import type { Clock } from '../../xmpp/clock.js';
import { retryDelay } from '../retry-delay.js';
import { Waits } from './waits.js';

/** Origins that are held, and others of which is known until when; the first ones are forgotten. */
const most = 10_000;

/** Milliseconds after which what finds no place is looked at again, at the earliest, and how far apart those of one origin are. */
const restTime = 1_000;
const spacing = 4;

interface Hold {
  until: number;
  /** Attempts in a row that found nobody. */
  failures: number;
  /** One is under way that finds out whether somebody is there again. */
  isProbed: boolean;
}

export interface OriginsOptions {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly jitter: () => number;
  readonly events: Pick<Events, 'webPushOriginHeld'>;
}

/**
 * Which push services are there. One that could not be reached is left alone for a while, and then one message alone finds out
 * whether it is back.
 */
export class Origins {
  readonly #options: OriginsOptions;
  readonly #holds = new Map<string, Hold>();
  readonly #places = new Waits(most);

  constructor(options: OriginsOptions) {
    this.#options = options;
  }

  /** Whether a message may be sent there now. Whoever sends the one that is a `probe` has to tell how it ended. */
  admit(origin: string): 'open' | 'probe' | 'held' {
    const hold = this.#holds.get(origin);
    if (hold === undefined) return 'open';
    if (hold.isProbed || hold.until > this.#options.clock.now()) return 'held';
    hold.isProbed = true;
    return 'probe';
  }

  /** How a message that was admitted has ended. `isAborted`: by ourselves, which says nothing. */
  end(origin: string, admitted: 'open' | 'probe', outcome: SendOutcome, isAborted: boolean): void {
    const hold = this.#holds.get(origin);
    if (admitted === 'probe' && hold !== undefined) hold.isProbed = false;
    if (isAborted) return;
    if (outcome.kind !== 'retry' || !outcome.isUnreachable) this.#holds.delete(origin);
    else if (hold === undefined) this.#hold(origin, 1, outcome.reason);
    else if (admitted === 'probe') this.#hold(origin, hold.failures + 1, outcome.reason);
  }

  /** Those that nothing may be sent to at the moment, and in how many milliseconds that may be otherwise. */
  *held(): Iterable<readonly [origin: string, time: number]> {
    const now = this.#options.clock.now();
    for (const [origin, { until, isProbed }] of this.#holds) {
      const time = isProbed ? restTime : until - now;
      if (time > 0) yield [origin, time];
    }
  }

  /** Milliseconds until one that waits may go there; 0 if it need not wait. */
  holdTime(origin: string): number {
    const hold = this.#holds.get(origin);
    return hold === undefined ? 0 : Math.max(0, hold.until - this.#options.clock.now());
  }

  /**
   * Milliseconds until one is looked at again that cannot go now. Those of one origin get times one after the other, for they
   * would come back all at once, again and again, and others would have to wait for them.
   */
  place(origin: string): number {
    const now = this.#options.clock.now();
    const next = this.#places.get(origin, now) ?? 0;
    const at = Math.max(next, now + restTime, now + this.holdTime(origin));
    this.#places.set(origin, at + spacing);
    return at - now;
  }

  #hold(origin: string, failures: number, reason: string): void {
    const { clock, jitter, events } = this.#options;
    const delay = retryDelay(failures - 1, undefined, jitter());
    this.#holds.delete(origin);
    if (this.#holds.size >= most) this.#forgetFirst();
    this.#holds.set(origin, { until: clock.now() + delay, failures, isProbed: false });
    events.webPushOriginHeld({ origin, seconds: delay / 1_000, reason });
  }

  #forgetFirst(): void {
    const [first] = this.#holds.keys();
    if (first !== undefined) this.#holds.delete(first);
  }
}
