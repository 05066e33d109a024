import type {
  KeyStore,
  NewRegistration,
  RegistrationStore,
  RevocationStore,
  StoredRegistration,
} from '../../src/services/unified-push/store.js';

/** Stores in memory for tests. While `failure` is set, each call rejects with it, as a broken database would. */
abstract class BreakableStore {
  failure: Error | undefined;

  protected async answer<T>(action: () => T): Promise<T> {
    if (this.failure !== undefined) throw this.failure;
    return action();
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

export class MemoryRegistrationStore extends BreakableStore implements RegistrationStore {
  /** By the hexadecimal hash of the endpoint's id. */
  readonly rows = new Map<string, NewRegistration>();

  save(registration: NewRegistration): Promise<Uint8Array> {
    return this.answer(() => {
      const { bareJid, application, instance, resource, expiresAt } = registration;
      const known = [...this.rows].find(
        ([, row]) => row.bareJid === bareJid && row.application === application && row.instance === instance,
      );
      const row = known === undefined ? registration : { ...known[1], resource, expiresAt };
      this.rows.set(hex(row.idHash), row);
      return row.seed;
    });
  }

  find(idHash: Uint8Array): Promise<StoredRegistration | undefined> {
    return this.answer(() => this.rows.get(hex(idHash)));
  }

  remove(idHash: Uint8Array, expiresAt: number): Promise<boolean> {
    return this.answer(
      () => this.rows.get(hex(idHash))?.expiresAt === expiresAt && this.rows.delete(hex(idHash)),
    );
  }

  sweep(now: number, limit: number): Promise<number> {
    return this.answer(() => sweepMap(this.rows, (row) => row.expiresAt < now, limit));
  }
}

export class MemoryRevocationStore extends BreakableStore implements RevocationStore {
  /** Unix seconds of the expiry, by the hexadecimal hash of the token. */
  readonly rows = new Map<string, number>();

  revoke(tokenHash: Uint8Array, expiresAt: number): Promise<void> {
    return this.answer(() => void this.rows.set(hex(tokenHash), expiresAt));
  }

  isRevoked(tokenHash: Uint8Array): Promise<boolean> {
    return this.answer(() => this.rows.has(hex(tokenHash)));
  }

  sweep(now: number, limit: number): Promise<number> {
    return this.answer(() => sweepMap(this.rows, (expiresAt) => expiresAt < now, limit));
  }
}

export class MemoryKeyStore extends BreakableStore implements KeyStore {
  readonly keys = new Map<string, string>();

  getOrCreate(name: string, make: () => string): Promise<string> {
    return this.answer(() => {
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
