import type { VerifierLimits } from './key-verifier.js';
import { defaultS2sLimits, type S2sLimits } from './limits.js';
import type { OutboundLimits } from './outbound.js';

/** Bounds of federation as a whole. Times are in milliseconds. */
export interface FederationLimits {
  readonly streams: S2sLimits;
  readonly outbound: OutboundLimits;
  readonly verifier: VerifierLimits;
  /** Until a stream has to be ready, whichever and however many addresses a server has. */
  readonly connect: number;
  /** Addresses that are remembered as they were written. */
  readonly addresses: number;
}

export const defaultFederationLimits: FederationLimits = {
  streams: defaultS2sLimits,
  outbound: {
    pairs: 2_000,
    stanzas: 1_000,
    bytes: 2 * 1024 * 1024,
    firstRest: 5_000,
    longestRest: 5 * 60 * 1000,
    drain: 2_000,
  },
  verifier: {
    servers: 200,
    waiting: 50,
    answer: defaultS2sLimits.dialbackTimeout,
    linger: 10_000,
    rest: 5_000,
  },
  connect: 60_000,
  addresses: 10_000,
};
