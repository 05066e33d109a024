import type { Events } from '../../observability/events.js';
import type { RegistrationStore, RevocationStore } from './store.js';

interface SweepOptions {
  readonly registrations: Pick<RegistrationStore, 'sweep'>;
  readonly revocations: Pick<RevocationStore, 'sweep'>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Events;
}

/** A device that was off for less than this finds its endpoint unchanged, if nobody pushed to it in between. */
const registrationGrace = 7 * 24 * 3600;
/** Far more than the clocks of two processes differ: one must not forget what another still takes for valid. */
const revocationGrace = 3600;

const batchRows = 1000;
const maxBatches = 100;

/**
 * Removes registrations and revocations that have long expired: in small batches, so that pushes get their turn, and at
 * most 100,000 of each kind at once. Never rejects.
 */
export async function sweepExpired({ registrations, revocations, now, events }: SweepOptions): Promise<void> {
  const seconds = Math.floor(now() / 1000);
  const kinds = [
    { what: 'registrations', store: registrations, before: seconds - registrationGrace },
    { what: 'revocations', store: revocations, before: seconds - revocationGrace },
  ];
  for (const { what, store, before } of kinds) {
    try {
      const rows = await sweepStore(store, before);
      if (rows > 0) events.swept({ what, rows });
    } catch (error) {
      events.storageFailed({ what: `sweep of ${what}`, error });
    }
  }
}

async function sweepStore(store: Pick<RegistrationStore, 'sweep'>, before: number): Promise<number> {
  let rows = 0;
  for (let batch = 0; batch < maxBatches; batch++) {
    const went = await store.sweep(before, batchRows);
    rows += went;
    if (went < batchRows) break;
  }
  return rows;
}
