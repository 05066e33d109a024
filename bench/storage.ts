import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Config } from '../src/config/config.js';
import type { StandaloneStores } from '../src/hosts/standalone/store.js';
import type { NewRegistration } from '../src/services/unified-push/store.js';
import { openStorage } from '../src/storage/open.js';
import { openSqlite } from '../src/storage/sqlite.js';
import { hasPostgres, startPostgres } from '../tests/harness/postgres.js';

const rows = 20_000;
const reads = 100_000;
const offlineMessages = 5_000;
const senders = 100;

const scramKeys = {
  salt: randomBytes(16),
  iterations: 10_000,
  storedKey: randomBytes(32),
  serverKey: randomBytes(32),
};

function registration(): NewRegistration {
  return {
    idHash: randomBytes(32),
    seed: randomBytes(20),
    bareJid: `${randomBytes(8).toString('hex')}@example.org`,
    resource: 'phone',
    application: randomBytes(32).toString('base64'),
    instance: randomBytes(32).toString('base64'),
    expiresAt: 2_000_000_000,
  };
}

/** Runs `act` `count` times, `width` of them at once, and prints the time of one and how many a second that makes. */
async function measure(what: string, count: number, width: number, act: (n: number) => Promise<unknown>) {
  const start = performance.now();
  let next = 0;
  const work = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: width }, work));
  const seconds = (performance.now() - start) / 1000;
  const micros = ((seconds * 1e6) / count).toFixed(1);
  process.stdout.write(
    `${what.padEnd(44)} ${micros.padStart(8)} µs ${Math.round(count / seconds)
      .toString()
      .padStart(9)}/s\n`,
  );
}

async function measureStorage(name: string, config: Config['storage'], width: number): Promise<void> {
  const { registrations, revocations, standalone, close } = await openStorage(config, {
    events: { storageFailed() {} },
  });
  const saved = Array.from({ length: rows }, registration);
  const idHash = (n: number) => (saved[n % rows] ?? registration()).idHash;
  await measure(`${name} save`, rows, width, (n) => registrations.save(saved[n] ?? registration()));
  await measure(`${name} find`, reads, width, (n) => registrations.find(idHash(n)));
  await measure(`${name} revoke`, rows, width, (n) => revocations.revoke(idHash(n), 2_000_000_000));
  await measure(`${name} isRevoked`, reads, width, (n) => revocations.isRevoked(idHash(n)));
  await measureOffline(name, standalone, width);
  await measureOffline(name, standalone, senders);
  await close();
}

/** Messages for as many accounts as there are senders, none of which has a session. */
async function measureOffline(
  name: string,
  { accounts, offline }: StandaloneStores,
  width: number,
): Promise<void> {
  const ids: number[] = [];
  for (let n = 0; n < width; n++) {
    const jid = `${randomBytes(8).toString('hex')}@example.org`;
    await accounts.create(jid, { sha1: scramKeys, sha256: scramKeys });
    ids.push((await accounts.find(jid))?.id ?? 0);
  }
  const message = `<message from='a@example.org/phone' type='chat'><body>${'x'.repeat(200)}</body></message>`;
  await measure(`${name} offline message, ${width} at once`, offlineMessages, width, (n) =>
    offline.add(ids[n % width] ?? 0, message, offlineMessages),
  );
}

/** What the same look-up costs without a prepared statement. */
async function measureKysely(file: string): Promise<void> {
  const { kysely, close } = await openSqlite(file);
  const hash = randomBytes(32);
  await measure('SQLite isRevoked, through kysely', reads, 1, () =>
    kysely.selectFrom('revoked_tokens').select('expires_at').where('token_hash', '=', hash).execute(),
  );
  await measure('SQLite, an empty query through kysely', reads, 1, () => sql`select 1`.execute(kysely));
  await close();
}

/** Durable writes and look-ups by both databases; PostgreSQL over ten connections on this machine. */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-bench-'));
  try {
    const file = join(folder, 'belfry.sqlite');
    await measureStorage('SQLite', { kind: 'sqlite', file }, 1);
    await measureKysely(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (!hasPostgres) return;
  const server = await startPostgres({ fsync: true });
  try {
    const url = server.url(await server.createDatabase());
    await measureStorage('PostgreSQL', { kind: 'postgres', url }, 10);
  } finally {
    await server.stop();
  }
}
