import type { PushQueueStore } from '../services/web-push/store.js';
import type { Database } from './database.js';
import { idsIn, isIdOf } from './ids-in.js';
import { textHash } from './text-hash.js';
import { createQueueAdd, senderHash } from './web-push-queue-add.js';
import { createQueueSize } from './web-push-queue-size.js';
import { createQueueTurns } from './web-push-queue-turns.js';

/** Rows that one statement removes. */
const batchRows = 100;

/** Messages that wait to be sent to push services of browsers. An endpoint is found by its hash alone. */
export function createWebPushQueue(database: Database): PushQueueStore {
  const size = createQueueSize(database);
  const add = createQueueAdd(database);
  const turns = createQueueTurns(database);
  const newest = prepareNewest(database);
  const remove = prepareRemove(database);
  const supersede = prepareSupersede(database);
  const withdraw = prepareWithdraw(database);
  const withdrawAll = prepareWithdrawAll(database);
  const expire = prepareExpire(database);
  return {
    add: (push, bounds) => size.reserve(bounds.inAll, () => add(push, bounds.perEndpoint)),
    claim: turns.claim,
    postpone: turns.postpone,
    release: turns.release,
    nextDue: turns.nextDue,
    async remove(ids) {
      if (ids.length > 0) size.shrink((await remove({ ids: JSON.stringify(ids) })).changes);
    },
    async newest(endpoint, topic) {
      return (await newest({ endpointHash: textHash(endpoint), topic })).rows[0]?.id;
    },
    async supersede(endpoint, topic, upTo) {
      return size.shrink((await supersede({ endpointHash: textHash(endpoint), topic, upTo })).changes);
    },
    async withdraw(endpoint, sender) {
      const hash = senderHash(sender);
      const { changes } =
        endpoint === undefined
          ? await withdrawAll({ senderHash: hash })
          : await withdraw({ senderHash: hash, endpointHash: textHash(endpoint) });
      return size.shrink(changes);
    },
    async expire(now) {
      let count = 0;
      for (let went = batchRows; went === batchRows; count += went) {
        went = size.shrink((await expire({ now: Math.floor(now), limit: batchRows })).changes);
      }
      return count;
    },
    count: size.count,
  };
}

function prepareNewest(database: Database) {
  return database.prepare<{ endpointHash: string; topic: string }, { id: number }>(
    'web_push_queue_newest',
    (param, db) =>
      db
        .selectFrom('web_push_queue')
        .select('id')
        .where('endpoint_hash', '=', param('endpointHash'))
        .where('topic', '=', param('topic'))
        .orderBy('id', 'desc')
        .limit(1),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<{ ids: string }, unknown>('web_push_queue_remove', (param, db) =>
    db.deleteFrom('web_push_queue').where('id', 'in', idsIn(database, param('ids'))),
  );
}

function prepareSupersede(database: Database) {
  return database.prepare<{ endpointHash: string; topic: string; upTo: number }, unknown>(
    'web_push_queue_supersede',
    (param, db) =>
      db
        .deleteFrom('web_push_queue')
        .where('endpoint_hash', '=', param('endpointHash'))
        .where('topic', '=', param('topic'))
        .where('id', '<=', param('upTo')),
  );
}

function prepareWithdraw(database: Database) {
  return database.prepare<{ senderHash: string; endpointHash: string }, unknown>(
    'web_push_queue_withdraw',
    (param, db) =>
      db
        .deleteFrom('web_push_queue')
        .where('endpoint_hash', '=', param('endpointHash'))
        .where('sender_hash', '=', param('senderHash')),
  );
}

function prepareWithdrawAll(database: Database) {
  return database.prepare<{ senderHash: string }, unknown>('web_push_queue_withdraw_all', (param, db) =>
    db.deleteFrom('web_push_queue').where('sender_hash', '=', param('senderHash')),
  );
}

/** On PostgreSQL rows that another process works on are left to it. */
function prepareExpire(database: Database) {
  return database.prepare<{ now: number; limit: number }, unknown>('web_push_queue_expire', (param, db) =>
    db.deleteFrom('web_push_queue').where(({ selectFrom }) => {
      const expired = selectFrom('web_push_queue')
        .select('id')
        .where('expires_at', '<=', param('now'))
        .orderBy('expires_at')
        .limit(param('limit'));
      return isIdOf(database, database.kind === 'postgres' ? expired.forUpdate().skipLocked() : expired);
    }),
  );
}
