/** How fast a client may send for long, and how much at once after a silence. */
export interface ByteRate {
  readonly bytesPerSecond: number;
  readonly burstSeconds: number;
}

/**
 * Counts bytes against a rate. All that is kept of a client is the time until which it has used its rate up, in
 * milliseconds; answers the new one.
 */
export function useRate(usedUntil: number, now: number, bytes: number, rate: ByteRate): number {
  return Math.max(usedUntil, now) + (bytes * 1000) / rate.bytesPerSecond;
}

/** How long a client has to wait that has used its rate up until then, in milliseconds; negative if it has not. */
export function rateDelay(usedUntil: number, now: number, { burstSeconds }: ByteRate): number {
  return usedUntil - now - burstSeconds * 1000;
}
