import type { Events } from '../../../observability/events.js';
import type { Settled } from '../../web-push/web-push.js';
import type { GatewayRegistration, GatewayStore } from '../store.js';
import type { Fate } from './fate.js';

export interface SettleOptions {
  readonly store: Pick<GatewayStore, 'find'>;
  readonly fate: Fate;
  readonly events: Pick<Events, 'storageFailed'>;
}

/** Hears what came of a message that had waited; its server had its answer long ago. Never rejects. */
export function createSettle({ store, fate, events }: SettleOptions): (settled: Settled) => Promise<void> {
  async function find(node: string): Promise<GatewayRegistration | undefined> {
    try {
      return await store.find(node);
    } catch (error) {
      events.storageFailed({ what: 'gateway look-up', error });
      return undefined;
    }
  }

  return async ({ endpoint, reference, outcome }) => {
    const registration = await find(reference);
    // Of a place that the device has left it does not matter.
    if (registration?.endpoint === endpoint) await fate(registration, outcome);
  };
}
