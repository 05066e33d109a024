import { sql } from 'kysely';
import type { WaitingPush } from '../services/web-push/store.js';
import type { PushSender } from '../services/web-push/web-push.js';
import type { Database, Param } from './database.js';
import { textHash } from './text-hash.js';

interface Added {
  readonly kind: 'added';
  readonly superseded: number;
  readonly dropped: number;
}

interface Row extends Omit<WaitingPush, 'shorter' | 'topic' | 'authorization'> {
  readonly endpointHash: string;
  readonly senderHash: string;
  readonly shorter: Uint8Array | null;
  readonly topic: string | null;
  readonly authorization: string | null;
}

/** Stands for a sender in an index. */
export function senderHash({ service, reference }: PushSender): string {
  return textHash(JSON.stringify([service, reference]));
}

/** How a row is added, and what is too many for its endpoint goes. */
export function createQueueAdd(
  database: Database,
): (push: WaitingPush, perEndpoint: number) => Promise<Added> {
  const add = database.kind === 'sqlite' ? addInSteps(database) : addAtOnce(database);
  return (push, perEndpoint) => {
    const { shorter = null, topic = null, authorization = null } = push;
    const hashes = { endpointHash: textHash(push.endpoint), senderHash: senderHash(push) };
    const dueAt = Math.ceil(push.dueAt);
    const expiresAt = Math.ceil(push.expiresAt);
    return add({ ...push, ...hashes, shorter, topic, authorization, dueAt, expiresAt }, perEndpoint);
  };
}

/** Statements that are asked for together are one transaction of SQLite's, in their order. */
function addInSteps(database: Database) {
  const insert = database.prepare<Row, unknown>('web_push_queue_add', (param, db) =>
    db.insertInto('web_push_queue').values(valuesOf(param)),
  );
  const supersede = prepareSupersede(database);
  const drop = prepareDrop(database);
  return async (row: Row, perEndpoint: number): Promise<Added> => {
    const { endpointHash, topic } = row;
    const [, superseded, dropped] = await Promise.all([
      insert(row),
      topic === null ? { changes: 0 } : supersede({ endpointHash, topic }),
      drop({ endpointHash, perEndpoint }),
    ]);
    return { kind: 'added', superseded: superseded.changes, dropped: dropped.changes };
  };
}

/** All that have the topic but the newest. */
function prepareSupersede(database: Database) {
  return database.prepare<{ endpointHash: string; topic: string }, unknown>(
    'web_push_queue_add_supersede',
    (param, db) => {
      const ofTopic = db
        .selectFrom('web_push_queue')
        .select('id')
        .where('endpoint_hash', '=', param('endpointHash'))
        .where('topic', '=', param('topic'))
        .orderBy('id', 'desc')
        .limit(sql.lit(-1))
        .offset(sql.lit(1));
      return db.deleteFrom('web_push_queue').where('id', 'in', ofTopic);
    },
  );
}

function prepareDrop(database: Database) {
  return database.prepare<{ endpointHash: string; perEndpoint: number }, unknown>(
    'web_push_queue_add_drop',
    (param, db) => {
      const tooOld = db
        .selectFrom('web_push_queue')
        .select('id')
        .where('endpoint_hash', '=', param('endpointHash'))
        .orderBy('id', 'desc')
        .limit(sql.lit(-1))
        .offset(param('perEndpoint'));
      return db.deleteFrom('web_push_queue').where('id', 'in', tooOld);
    },
  );
}

/** One statement, so that nothing goes without what it goes for. What another process adds at that moment does not count yet. */
function addAtOnce(database: Database) {
  const add = database.prepare<Row & { others: number }, Record<'superseded' | 'dropped', number | null>>(
    'web_push_queue_add',
    (param, db) => {
      const ofEndpoint = db
        .selectFrom('web_push_queue')
        .select('id')
        .where('endpoint_hash', '=', param('endpointHash'));
      const topic = sql<string | null>`cast(${param('topic')} as text)`;
      const tooOld = ofEndpoint
        .where(sql<boolean>`coalesce(topic <> ${topic}, true)`)
        .orderBy('id', 'desc')
        .offset(param('others'));
      return db
        .with('superseded', (cte) =>
          cte
            .deleteFrom('web_push_queue')
            .where('id', 'in', ofEndpoint.where('topic', '=', topic))
            .returning('id'),
        )
        .with('dropped', (cte) => cte.deleteFrom('web_push_queue').where('id', 'in', tooOld).returning('id'))
        .insertInto('web_push_queue')
        .values(valuesOf(param))
        .returning(({ selectFrom }) => [
          selectFrom('superseded')
            .select(({ fn }) => fn.countAll<number>().as('count'))
            .as('superseded'),
          selectFrom('dropped')
            .select(({ fn }) => fn.countAll<number>().as('count'))
            .as('dropped'),
        ]);
    },
  );
  return async (row: Row, perEndpoint: number): Promise<Added> => {
    const [gone] = (await add({ ...row, others: perEndpoint - 1 })).rows;
    return { kind: 'added', superseded: gone?.superseded ?? 0, dropped: gone?.dropped ?? 0 };
  };
}

function valuesOf(param: Param<Row>) {
  return {
    due_at: param('dueAt'),
    attempts: param('attempts'),
    is_claimed: 0,
    expires_at: param('expiresAt'),
    endpoint_hash: param('endpointHash'),
    sender_hash: param('senderHash'),
    topic: param('topic'),
    urgency: param('urgency'),
    origin: param('origin'),
    service: param('service'),
    reference: param('reference'),
    endpoint: param('endpoint'),
    body: param('body'),
    shorter: param('shorter'),
    authorization: param('authorization'),
  };
}
