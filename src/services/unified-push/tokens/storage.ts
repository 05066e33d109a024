import { createHmac, hash, type KeyObject } from 'node:crypto';
import { Jid } from '../../../xmpp/jid.js';
import { registrationKey } from '../registration.js';
import type { RegistrationStore, StoredRegistration } from '../store.js';
import type { TokenBackend, Verified } from './backend.js';

interface StorageBackendOptions {
  /** Derives ids from seeds; kept apart from the registrations. */
  readonly key: KeyObject;
  readonly registrations: RegistrationStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** UnifiedPush asks for at least 1,000 registrations per device (AND_3); this is enough for several. */
const maxPerAccount = 5000;
const seedLength = 20;
/** 160 bits in base64url. */
const idShape = /^[A-Za-z0-9_-]{27}$/;

/**
 * Endpoints that are random ids of stored registrations. The same account, application and instance get the same
 * endpoint again for as long as no push was answered that it is gone: a sender that heard so has dropped the endpoint, and
 * only a new one makes the application tell it.
 *
 * The id is derived from the row's seed with a key, and the row is found by the id's hash, so that who reads the table
 * learns no endpoint.
 */
export function createStorageBackend({
  key,
  registrations,
  now,
  randomBytes,
}: StorageBackendOptions): TokenBackend {
  const idOf = (seed: Uint8Array) =>
    createHmac('sha256', key).update(seed).digest().subarray(0, seedLength).toString('base64url');

  /** Answers true if there is no such registration any more, whoever removed it. */
  async function remove(idHash: Uint8Array, revision: number): Promise<boolean> {
    return (await registrations.remove(idHash, revision)) || (await registrations.find(idHash)) === undefined;
  }

  function verifiedFrom(row: StoredRegistration, idHash: Uint8Array): Verified | undefined {
    const jid = Jid.tryParse(`${row.bareJid}/${row.resource}`);
    if (jid === undefined) return undefined;
    const { application, instance, expiresAt } = row;
    const registration = { jid, application, instance, expiresAt };
    return {
      registration,
      backend: 'storage',
      key: registrationKey(registration),
      revoke: () => remove(idHash, row.revision),
    };
  }

  async function verify(token: string): Promise<Verified | undefined> {
    if (!idShape.test(token)) return undefined;
    const idHash = hash('sha256', token, 'buffer');
    const row = await registrations.find(idHash);
    if (row === undefined) return undefined;
    if (row.expiresAt * 1000 > now()) return verifiedFrom(row, idHash);
    return (await remove(idHash, row.revision)) ? undefined : verify(token);
  }

  return {
    async mint({ jid, application, instance, expiresAt }) {
      const bareJid = jid.bare().toString();
      if ((await registrations.countOthers({ bareJid, application, instance })) >= maxPerAccount)
        return undefined;
      const seed = randomBytes(seedLength);
      const id = idOf(seed);
      const kept = await registrations.save({
        bareJid,
        resource: jid.resource,
        application,
        instance,
        expiresAt,
        seed,
        idHash: hash('sha256', id, 'buffer'),
      });
      return Buffer.compare(kept, seed) === 0 ? id : idOf(kept);
    },
    verify,
  };
}
