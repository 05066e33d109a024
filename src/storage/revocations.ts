import type { RevocationStore } from '../services/unified-push/store.js';
import type { Database } from './database.js';

/** Tokens that were revoked before their time. */
export function createRevocationStore(database: Database): RevocationStore {
  const revoke = prepareRevoke(database);
  const find = prepareFind(database);
  const sweep = prepareSweep(database);
  return {
    async revoke(tokenHash, expiresAt) {
      await revoke({ tokenHash, expiresAt });
    },
    isRevoked: async (tokenHash) => (await find({ tokenHash })).rows.length > 0,
    sweep: async (now, limit) => (await sweep({ now: Math.ceil(now), limit })).changes,
  };
}

function prepareRevoke(database: Database) {
  return database.prepare<{ tokenHash: Uint8Array; expiresAt: number }, unknown>(
    'revocations_revoke',
    (param, db) =>
      db
        .insertInto('revoked_tokens')
        .values({ token_hash: param('tokenHash'), expires_at: param('expiresAt') })
        .onConflict((conflict) => conflict.column('token_hash').doNothing()),
  );
}

function prepareFind(database: Database) {
  return database.prepare<{ tokenHash: Uint8Array }, unknown>('revocations_find', (param, db) =>
    db.selectFrom('revoked_tokens').select('expires_at').where('token_hash', '=', param('tokenHash')),
  );
}

/** On PostgreSQL rows that another process sweeps are left to it. */
function prepareSweep(database: Database) {
  return database.prepare<{ now: number; limit: number }, unknown>('revocations_sweep', (param, db) =>
    db
      .with('expired', (cte) =>
        cte
          .selectFrom('revoked_tokens')
          .select('token_hash')
          .where('expires_at', '<', param('now'))
          .orderBy('expires_at')
          .limit(param('limit'))
          .$if(database.kind === 'postgres', (query) => query.forUpdate().skipLocked()),
      )
      .deleteFrom('revoked_tokens')
      .where('token_hash', 'in', (eb) => eb.selectFrom('expired').select('token_hash')),
  );
}
