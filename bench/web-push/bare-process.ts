import type { SubscriptionKeys } from '../../src/web-push/subscription.js';
import { createBareEncryption } from './bare.js';
import { turnOf } from './recipients.js';

/** What the process is told first. */
export interface BareWork {
  readonly keys: readonly SubscriptionKeys[];
  readonly payload: Uint8Array;
}

process.once('message', ({ keys, payload }: BareWork) => {
  const encrypt = createBareEncryption(payload);
  /** Does as many messages as it is told, and says so. */
  process.on('message', (count: number) => {
    for (let n = 0; n < count; n++) encrypt(turnOf(keys, n));
    process.send?.(count);
  });
});
