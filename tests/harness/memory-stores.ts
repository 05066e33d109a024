import type {
  KeyStore,
  NewRegistration,
  RegistrationStore,
  RevocationStore,
  StoredRegistration,
} from '../../src/services/unified-push/store.js';

/** Runs the action, or fails as a broken database would. */
async function unless<T>(failure: Error | undefined, action: () => T): Promise<T> {
  if (failure !== undefined) throw failure;
  return action();
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

class MemoryRegistrationStore implements RegistrationStore {
  /** While it is set, every call rejects with it. */
  failure: Error | undefined;
  /** By the hexadecimal hash of the endpoint's id. */
  readonly rows = new Map<string, NewRegistration & StoredRegistration>();

  save(registration: NewRegistration): Promise<Uint8Array> {
    return unless(this.failure, () => {
      const { bareJid, application, instance, resource, expiresAt } = registration;
      const known = [...this.rows.values()].find(
        (row) => row.bareJid === bareJid && row.application === application && row.instance === instance,
      );
      const row =
        known === undefined
          ? { ...registration, revision: 1 }
          : { ...known, resource, expiresAt, revision: known.revision + 1 };
      this.rows.set(hex(row.idHash), row);
      return row.seed;
    });
  }

  find(idHash: Uint8Array): Promise<StoredRegistration | undefined> {
    return unless(this.failure, () => this.rows.get(hex(idHash)));
  }

  countOthers({ bareJid, application, instance }: NewRegistration): Promise<number> {
    return unless(
      this.failure,
      () =>
        [...this.rows.values()].filter(
          (row) => row.bareJid === bareJid && (row.application !== application || row.instance !== instance),
        ).length,
    );
  }

  remove(idHash: Uint8Array, revision: number): Promise<boolean> {
    return unless(
      this.failure,
      () => this.rows.get(hex(idHash))?.revision === revision && this.rows.delete(hex(idHash)),
    );
  }

  removeAccount(bareJid: string): Promise<number> {
    return unless(this.failure, () => sweepMap(this.rows, (row) => row.bareJid === bareJid, this.rows.size));
  }

  sweep(now: number, limit: number): Promise<number> {
    return unless(this.failure, () => sweepMap(this.rows, (row) => row.expiresAt < now, limit));
  }
}

class MemoryRevocationStore implements RevocationStore {
  /** While it is set, every call rejects with it. */
  failure: Error | undefined;
  /** Unix seconds of the expiry, by the hexadecimal hash of the token. */
  readonly rows = new Map<string, number>();

  revoke(tokenHash: Uint8Array, expiresAt: number): Promise<void> {
    return unless(this.failure, () => void this.rows.set(hex(tokenHash), expiresAt));
  }

  isRevoked(tokenHash: Uint8Array): Promise<boolean> {
    return unless(this.failure, () => this.rows.has(hex(tokenHash)));
  }

  sweep(now: number, limit: number): Promise<number> {
    return unless(this.failure, () => sweepMap(this.rows, (expiresAt) => expiresAt < now, limit));
  }
}

class MemoryKeyStore implements KeyStore {
  /** While it is set, every call rejects with it. */
  failure: Error | undefined;
  readonly keys = new Map<string, string>();

  getOrCreate(name: string, make: () => string): Promise<string> {
    return unless(this.failure, () => {
      const key = this.keys.get(name) ?? make();
      this.keys.set(name, key);
      return key;
    });
  }
}

function sweepMap<V>(rows: Map<string, V>, isExpired: (row: V) => boolean, limit: number): number {
  const expired = [...rows].filter(([, row]) => isExpired(row)).slice(0, limit);
  for (const [key] of expired) rows.delete(key);
  return expired.length;
}

/** All three, empty. */
export function memoryStores() {
  return {
    registrations: new MemoryRegistrationStore(),
    revocations: new MemoryRevocationStore(),
    keys: new MemoryKeyStore(),
  };
}
