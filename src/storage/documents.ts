import type { DocumentStore } from '../hosts/standalone/store.js';
import type { Database } from './database.js';
import { textHash } from './text-hash.js';

interface Name {
  readonly accountId: number;
  readonly kind: string;
  readonly keyHash: string;
}

/** What clients leave with their account. */
export function createDocumentStore(database: Database): DocumentStore {
  const find = prepareFind(database);
  const put = preparePut(database);
  const remove = prepareRemove(database);
  const nameOf = (accountId: number, kind: string, key: string): Name => ({
    ...{ accountId, kind },
    keyHash: textHash(key),
  });
  return {
    find: async (accountId, kind, key) => (await find(nameOf(accountId, kind, key))).rows[0]?.content,
    put: async (accountId, kind, key, content, limit) =>
      (await put({ ...nameOf(accountId, kind, key), content, limit })).changes > 0,
    async remove(accountId, kind, key) {
      await remove(nameOf(accountId, kind, key));
    },
  };
}

function prepareFind(database: Database) {
  return database.prepare<Name, { content: string }>('documents_find', (param, db) =>
    db
      .selectFrom('documents')
      .select('content')
      .where('account_id', '=', param('accountId'))
      .where('kind', '=', param('kind'))
      .where('key_hash', '=', param('keyHash')),
  );
}

/** The documents of that kind besides this one count for the limit; one that is there already is always replaced. */
function preparePut(database: Database) {
  return database.prepare<Name & { content: string; limit: number }, unknown>('documents_put', (param, db) =>
    db
      .insertInto('documents')
      .columns(['account_id', 'kind', 'key_hash', 'content'])
      .expression(
        db
          .selectFrom('accounts')
          .select((eb) => [
            'id',
            eb.cast<string>(param('kind'), 'text').as('kind'),
            eb.cast<string>(param('keyHash'), 'text').as('key_hash'),
            eb.cast<string>(param('content'), 'text').as('content'),
          ])
          .where('id', '=', param('accountId'))
          .where(({ or, eb, exists, selectFrom }) => {
            const ofKind = selectFrom('documents')
              .where('account_id', '=', param('accountId'))
              .where('kind', '=', param('kind'));
            return or([
              exists(ofKind.select('key_hash').where('key_hash', '=', param('keyHash'))),
              eb(
                ofKind.select(({ fn }) => fn.countAll<number>().as('count')),
                '<',
                param('limit'),
              ),
            ]);
          }),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['account_id', 'kind', 'key_hash'])
          .doUpdateSet((eb) => ({ content: eb.ref('excluded.content') })),
      ),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<Name, unknown>('documents_remove', (param, db) =>
    db
      .deleteFrom('documents')
      .where('account_id', '=', param('accountId'))
      .where('kind', '=', param('kind'))
      .where('key_hash', '=', param('keyHash')),
  );
}
