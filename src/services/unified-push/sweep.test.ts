import { describe, expect, it } from 'vitest';
import { memoryStores } from '../../../tests/harness/memory-stores.js';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import { sweepExpired } from './sweep.js';

const day = 24 * 3600;
const nowSeconds = 1_800_000_000;
const now = () => nowSeconds * 1000;

describe('sweepExpired', () => {
  it('removes what expired a week or an hour ago, in as many batches as it takes', async () => {
    const stores = memoryStores();
    const { events, recorded } = recordingEvents();
    for (let n = 0; n < 2500; n++) {
      await stores.revocations.revoke(Buffer.from(`old ${n}`), nowSeconds - 3601);
    }
    await stores.revocations.revoke(Buffer.from('young'), nowSeconds - 3599);
    await saveRegistration(stores, 'old', nowSeconds - 7 * day - 1);
    await saveRegistration(stores, 'young', nowSeconds - 7 * day + 1);

    await sweepExpired({ ...stores, now, events });

    expect([...stores.revocations.rows.keys()]).toEqual([Buffer.from('young').toString('hex')]);
    expect([...stores.registrations.rows.values()].map((row) => row.resource)).toEqual(['young']);
    expect(recorded).toEqual([
      { name: 'swept', what: 'registrations', rows: 1 },
      { name: 'swept', what: 'revocations', rows: 2500 },
    ]);
  });

  it('reports a failure and goes on with the next store', async () => {
    const stores = memoryStores();
    const { events, recorded } = recordingEvents();
    const error = new Error('disk full');
    stores.registrations.failure = error;
    await stores.revocations.revoke(Buffer.from('old'), 1);
    await sweepExpired({ ...stores, now, events });
    expect(recorded).toEqual([
      { name: 'storageFailed', what: 'sweep of registrations', error },
      { name: 'swept', what: 'revocations', rows: 1 },
    ]);
  });
});

function saveRegistration(stores: ReturnType<typeof memoryStores>, resource: string, expiresAt: number) {
  return stores.registrations.save({
    bareJid: `${resource}@example.org`,
    resource,
    application: 'a',
    instance: 'i',
    expiresAt,
    idHash: Buffer.from(resource),
    seed: Buffer.from(resource),
  });
}
