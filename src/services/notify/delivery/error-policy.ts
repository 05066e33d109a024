import type { Outcome } from '../channel.js';
import { isResting, isWell, well } from '../registrations/registration.js';
import type { Health } from '../store.js';

const second = 1_000;
const hour = 60 * 60 * second;
const day = 24 * hour;

/** Milliseconds after which what could not be delivered is not tried again: of a call since it began. */
export const patience = { call: 30 * second, other: hour };

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
