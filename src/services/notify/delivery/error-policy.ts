import type { Outcome } from '../channel.js';
import { isResting, isWell, well } from '../registrations/registration.js';
import type { Health } from '../store.js';

const second = 1_000;
const hour = 60 * 60 * second;
const day = 24 * hour;

/** Milliseconds after which what could not be delivered is not tried again: of a call since it began. */
export const patience = { call: 30 * second, other: hour };

const firstDelay = 2 * second;
const longestDelay = 300 * second;

/**
 * How a registration is after a delivery; the same object if as before. What is rejected counts until one is delivered
 * (XEP-0357 §7 lets a server be patient with errors); `maxErrors` in a row, and the registration rests from then on.
 */
export function healthAfter(before: Health, outcome: Outcome, maxErrors: number, now: number): Health {
  if (outcome.kind === 'delivered') return isWell(before) ? before : well;
  if (outcome.kind !== 'rejected') return before;
  const failures = before.failures + 1;
  return { failures, restsSince: failures >= maxErrors || isResting(before) ? now : undefined };
}

/** Whether one has rested long enough to be tried; so has one that rests since a moment to come, by a clock that was wrong. */
export function isToBeTried({ restsSince }: Health, now: number): boolean {
  return restsSince === undefined || restsSince > now || now - restsSince >= day;
}

/**
 * Milliseconds until a registration is tried again. Without `after` (seconds) the upper end doubles with each attempt in a row
 * (the first: 0), and the delay is somewhere in its upper half. What is asked for is kept to, but nobody waits past `patience`
 * or not at all; a tenth may come on top, for the same is asked of many. `jitter` is from 0 up to 1.
 */
export function retryDelay(attempt: number, after: number | undefined, jitter: number): number {
  if (after !== undefined) {
    return Math.min(Math.max(after * second, firstDelay / 2), patience.other) * (1 + jitter / 10);
  }
  const end = Math.min(firstDelay * 2 ** attempt, longestDelay);
  return (end / 2) * (1 + jitter);
}
