import type { RosterStore, StoredContact } from '../hosts/standalone/store.js';
import type { Database, Schema } from './database.js';

type Row = Schema['contacts'];

const columns = ['jid', 'name', 'groups', 'subscription', 'ask', 'approved', 'listed', 'pending_in'] as const;

/** Contacts of the accounts, one row each. */
export function createRosterStore(database: Database): RosterStore {
  const load = prepareLoad(database);
  const put = preparePut(database);
  const remove = prepareRemove(database);
  return {
    load: async (accountId) => (await load({ accountId })).rows.map(contactOf),
    async put(accountId, contact) {
      await put(rowOf(accountId, contact));
    },
    async remove(accountId, jid) {
      await remove({ accountId, jid });
    },
  };
}

function rowOf(accountId: number, { jid, name, groups, subscription, ...more }: StoredContact): Row {
  return {
    account_id: accountId,
    ...{ jid, name, subscription },
    groups: JSON.stringify(groups),
    ask: Number(more.ask),
    approved: Number(more.approved),
    listed: Number(more.isListed),
    pending_in: more.pendingIn ?? null,
  };
}

function contactOf({
  jid,
  name,
  groups,
  subscription,
  ask,
  approved,
  listed,
  pending_in,
}: Row): StoredContact {
  return {
    ...{ jid, name, subscription },
    groups: groupsOf(groups),
    ask: ask === 1,
    approved: approved === 1,
    isListed: listed === 1,
    pendingIn: pending_in ?? undefined,
  };
}

function groupsOf(text: string): string[] {
  const groups: unknown = JSON.parse(text);
  return Array.isArray(groups) ? groups.map(String) : [];
}

function prepareLoad(database: Database) {
  return database.prepare<{ accountId: number }, Row>('contacts_load', (param, db) =>
    db
      .selectFrom('contacts')
      .select(['account_id', ...columns])
      .where('account_id', '=', param('accountId')),
  );
}

function preparePut(database: Database) {
  return database.prepare<Row, unknown>('contacts_put', (param, db) =>
    db
      .insertInto('contacts')
      .values({
        account_id: param('account_id'),
        jid: param('jid'),
        name: param('name'),
        groups: param('groups'),
        subscription: param('subscription'),
        ask: param('ask'),
        approved: param('approved'),
        listed: param('listed'),
        pending_in: param('pending_in'),
      })
      .onConflict((conflict) =>
        conflict.columns(['account_id', 'jid']).doUpdateSet((eb) => ({
          name: eb.ref('excluded.name'),
          groups: eb.ref('excluded.groups'),
          subscription: eb.ref('excluded.subscription'),
          ask: eb.ref('excluded.ask'),
          approved: eb.ref('excluded.approved'),
          listed: eb.ref('excluded.listed'),
          pending_in: eb.ref('excluded.pending_in'),
        })),
      ),
  );
}

function prepareRemove(database: Database) {
  return database.prepare<{ accountId: number; jid: string }, unknown>('contacts_remove', (param, db) =>
    db.deleteFrom('contacts').where('account_id', '=', param('accountId')).where('jid', '=', param('jid')),
  );
}
