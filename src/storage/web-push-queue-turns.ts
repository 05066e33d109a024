import { sql } from 'kysely';
import type { PushQueueStore, StoredPush } from '../services/web-push/store.js';
import type { Database } from './database.js';
import { isIdOf, textsIn } from './ids-in.js';

const columns = [
  ...(['id', 'endpoint', 'origin', 'body', 'shorter', 'urgency', 'topic', 'attempts'] as const),
  ...(['authorization', 'service', 'reference', 'due_at as dueAt', 'expires_at as expiresAt'] as const),
];

interface Row extends Omit<StoredPush, 'shorter' | 'topic' | 'authorization'> {
  readonly shorter: Uint8Array | null;
  readonly topic: string | null;
  readonly authorization: string | null;
}

/** Whose turn it is. */
export function createQueueTurns(
  database: Database,
): Pick<PushQueueStore, 'claim' | 'postpone' | 'nextDue' | 'release'> {
  const claim = prepareClaim(database);
  const postpone = preparePostpone(database);
  const nextDue = prepareNextDue(database);
  const release = prepareRelease(database);
  return {
    async claim(now, until, limit, except = [], upTo = 0) {
      const times = { now: Math.floor(now), until: Math.ceil(until) };
      const passed = { except: JSON.stringify(except), upTo: Math.floor(upTo) };
      const { rows } = await claim({ ...times, ...passed, limit });
      return rows.map(toPush).sort((a, b) => a.id - b.id);
    },
    async postpone(changes) {
      if (changes.length === 0) return;
      const rounded = changes.map((change) => ({
        ...change,
        claimedUntil: Math.ceil(change.claimedUntil),
        dueAt: Math.ceil(change.dueAt),
      }));
      await postpone({ changes: JSON.stringify(rounded) });
    },
    async nextDue(except = [], upTo = 0) {
      const { rows } = await nextDue({ except: JSON.stringify(except), upTo: Math.floor(upTo) });
      return rows[0]?.dueAt;
    },
    async release(now) {
      await release({ now: Math.floor(now) });
    },
  };
}

function toPush(row: Row): StoredPush {
  const { shorter, topic, authorization } = row;
  return {
    ...row,
    shorter: shorter ?? undefined,
    topic: topic ?? undefined,
    authorization: authorization ?? undefined,
  };
}

interface ClaimArgs {
  readonly now: number;
  readonly until: number;
  readonly limit: number;
  readonly except: string;
  readonly upTo: number;
}

/** On PostgreSQL rows that another process is about to take are left to it. */
function prepareClaim(database: Database) {
  return database.prepare<ClaimArgs, Row>('web_push_queue_claim', (param, db) =>
    db
      .updateTable('web_push_queue')
      .set({ due_at: param('until'), is_claimed: 1 })
      .where(({ selectFrom }) => {
        const due = selectFrom('web_push_queue')
          .select('id')
          .where('due_at', '<=', param('now'))
          .where('due_at', '>', param('upTo'))
          .where('origin', 'not in', textsIn(database, param('except')))
          .orderBy('due_at')
          .limit(param('limit'));
        return isIdOf(database, database.kind === 'postgres' ? due.forUpdate().skipLocked() : due);
      })
      .returning(columns),
  );
}

/** The time that a claim wrote stands there until somebody claims it anew: nobody takes back what another process has. */
function preparePostpone(database: Database) {
  return database.prepare<{ changes: string }, unknown>('web_push_queue_postpone', (param, db) =>
    db
      .with('given', () =>
        database.kind === 'sqlite'
          ? sql<Change>`(select value ->> 'id' as id, value ->> 'claimedUntil' as claimed_until,
                value ->> 'dueAt' as due_at, value ->> 'attempts' as attempts
              from json_each(${param('changes')}))`
          : sql<Change>`(select id, "claimedUntil" as claimed_until, "dueAt" as due_at, attempts
              from json_to_recordset(${param('changes')}::json)
                as list (id bigint, "claimedUntil" bigint, "dueAt" bigint, attempts bigint))`,
      )
      .updateTable('web_push_queue')
      .from('given')
      .set(({ ref }) => ({ due_at: ref('given.due_at'), attempts: ref('given.attempts'), is_claimed: 0 }))
      .whereRef('web_push_queue.id', '=', 'given.id')
      .whereRef('web_push_queue.due_at', '=', 'given.claimed_until'),
  );
}

interface Change {
  readonly id: number;
  readonly claimed_until: number;
  readonly due_at: number;
  readonly attempts: number;
}

function prepareNextDue(database: Database) {
  return database.prepare<{ except: string; upTo: number }, { dueAt: number }>(
    'web_push_queue_next_due',
    (param, db) =>
      db
        .selectFrom('web_push_queue')
        .select('due_at as dueAt')
        .where('due_at', '>', param('upTo'))
        .where('origin', 'not in', textsIn(database, param('except')))
        .orderBy('due_at')
        .limit(1),
  );
}

/** The value stands in the statement, or the index of those that are claimed would not be used. */
function prepareRelease(database: Database) {
  return database.prepare<{ now: number }, unknown>('web_push_queue_release', (param, db) =>
    db
      .updateTable('web_push_queue')
      .set({ due_at: param('now'), is_claimed: 0 })
      .where('is_claimed', '=', sql.lit(1)),
  );
}
