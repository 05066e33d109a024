import type { Config } from '../config/config.js';
import type { StandaloneStores } from '../hosts/standalone/store.js';
import type { Events } from '../observability/events.js';
import type { GatewayStore } from '../services/gateway/store.js';
import type { NotifyStore } from '../services/notify/store.js';
import type { KeyStore, RegistrationStore, RevocationStore } from '../services/unified-push/store.js';
import type { PushQueueStore } from '../services/web-push/store.js';
import { createAccountStore } from './accounts.js';
import { createArchiveStore } from './archive.js';
import { createBlockStore } from './blocks.js';
import type { Database } from './database.js';
import { createDocumentStore } from './documents.js';
import { createGatewayStore } from './gateway-registrations.js';
import { createKeyStore } from './keys.js';
import { migrate, schemaState } from './migrate.js';
import { createNotifyStore } from './notify.js';
import { createOfflineStore } from './offline.js';
import { openPostgres } from './postgres.js';
import { createRegistrationStore } from './registrations.js';
import { createRevocationStore } from './revocations.js';
import { createRosterStore } from './rosters.js';
import { openSqlite } from './sqlite.js';
import { createWebPushQueue } from './web-push-queue.js';

/** An open database, its schema up to date. What a store has acknowledged is on disk. */
export interface Storage {
  readonly registrations: RegistrationStore;
  readonly revocations: RevocationStore;
  readonly keys: KeyStore;
  readonly standalone: StandaloneStores;
  /** For accounts of `standalone`, with which they go. */
  readonly notify: NotifyStore;
  readonly webPushQueue: PushQueueStore;
  readonly gateway: GatewayStore;
  /** Resolves if the database answers; rejects if it does not, within seconds. */
  check(): Promise<void>;
  /** Waits for queries under way, then closes; again is the same as once. Queries after it reject. */
  close(): Promise<void>;
}

/**
 * Opens the database, makes it or brings its schema up to date where needed. Throws `StorageOpenError`, whose message
 * and remedy are for the operator. `events` hears of connections that break while nobody uses them.
 */
export async function openStorage(
  config: Config['storage'],
  { events }: { events: Pick<Events, 'storageFailed'> },
): Promise<Storage> {
  const database = await openDatabase(config, events);
  try {
    await migrate(database);
    return createStorage(database);
  } catch (error) {
    await database.close();
    throw database.explain(error);
  }
}

/**
 * Opens the database only to look: whether its schema is what this program needs. Changes nothing in it, for another
 * Belfry may be at work there. Throws `StorageOpenError` as `openStorage` does.
 */
export async function inspectStorage(
  config: Config['storage'],
  { events }: { events: Pick<Events, 'storageFailed'> },
): Promise<'current' | 'older' | 'none'> {
  const database = await openDatabase(config, events);
  try {
    return await schemaState(database);
  } catch (error) {
    throw database.explain(error);
  } finally {
    await database.close();
  }
}

async function openDatabase(
  config: Config['storage'],
  events: Pick<Events, 'storageFailed'>,
): Promise<Database> {
  return config.kind === 'sqlite' ? openSqlite(config.file) : openPostgres(config.url, events);
}

function createStorage(database: Database): Storage {
  const readVersion = database.prepare<object, unknown>('schema_version', (_param, db) =>
    db.selectFrom('belfry_schema').select('version').limit(1),
  );
  let closed: Promise<void> | undefined;
  return {
    registrations: createRegistrationStore(database),
    revocations: createRevocationStore(database),
    keys: createKeyStore(database),
    standalone: {
      accounts: createAccountStore(database),
      rosters: createRosterStore(database),
      offline: createOfflineStore(database),
      blocks: createBlockStore(database),
      documents: createDocumentStore(database),
      archive: createArchiveStore(database),
    },
    notify: createNotifyStore(database),
    webPushQueue: createWebPushQueue(database),
    gateway: createGatewayStore(database),
    async check() {
      await readVersion({});
    },
    close() {
      closed ??= database.close();
      return closed;
    },
  };
}
