import type { Finding } from './finding.js';
import type { HttpResult } from './http-get.js';

const what = 'clock';
/** Milliseconds. Registrations expire by the clock, and devices are told when. */
const tolerance = 60_000;

/** Somebody else's clock: what it said, and what this machine's said at that moment, in Unix milliseconds. */
export interface ClockReading {
  readonly of: string;
  readonly theirs: number;
  readonly ours: number;
}

/**
 * The clock of whoever answered by HTTP (RFC 9110 §6.6.1); undefined if it did not say. Belfry's own answers name no
 * server: without a proxy that does, the clock would be this machine's own.
 */
export function httpClock(of: string, result: HttpResult): ClockReading | undefined {
  if ('error' in result || result.headers.date === undefined) return undefined;
  if (result.headers.server === undefined && result.headers.via === undefined) return undefined;
  const theirs = Date.parse(result.headers.date);
  return Number.isNaN(theirs) ? undefined : { of, theirs, ours: result.at };
}

/** Compares this machine's clock with others. */
export function checkClock(readings: readonly ClockReading[]): Finding[] {
  if (readings.length === 0) {
    return [{ status: 'warning', what, text: 'nothing answered that it could be compared with' }];
  }
  return readings.map(({ of, theirs, ours }): Finding => {
    const difference = Math.round((ours - theirs) / 1000);
    if (Math.abs(ours - theirs) <= tolerance) {
      return { status: 'ok', what, text: `agrees with that of ${of}` };
    }
    return {
      status: 'failed',
      what,
      text: `is ${Math.abs(difference)} seconds ${difference > 0 ? 'ahead of' : 'behind'} that of ${of}`,
      remedy: 'Set both by NTP (timedatectl set-ntp true).',
    };
  });
}
