import { stanzaErrorFor } from '../../../errors.js';
import { gatewaySender } from '../push-sender.js';
import type { Place } from '../store.js';
import type { RegistrationOptions } from './options.js';

/**
 * Waits for the store.
 * @throws {StanzaError} if it fails, which the operator is told
 */
export async function kept<T>({ events }: RegistrationOptions, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    events.storageFailed({ what: 'registrations of the gateway', error });
    throw stanzaErrorFor('storage-failed');
  }
}

/** Nobody is to read any more what waits for places that are registered no longer. */
export async function withdraw({ webPush }: RegistrationOptions, places: readonly Place[]): Promise<void> {
  await Promise.all(places.map(({ node, endpoint }) => webPush.withdraw(endpoint, gatewaySender(node))));
}
