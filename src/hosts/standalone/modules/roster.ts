import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Account } from '../account.js';
import type { AccountIq, Server, ServerModule } from '../module.js';
import { sayFarewell } from '../presence/farewell.js';
import { Outbox } from '../presence/outbox.js';
import {
  checkRoom,
  createRoster,
  itemElement,
  type Roster,
  rosterItems,
  rosterQuery,
  rosterVersion,
} from '../presence/roster.js';
import type { StoredContact } from '../store.js';
import { parseRosterSet, type RosterSet } from './roster-set.js';

/** The roster as clients read and edit it (RFC 6121 §2), with versions (§2.6, which was XEP-0237). */
export const roster: ServerModule = {
  name: 'roster',
  implements: [],
  setup(server) {
    const changes = createRoster(server);
    server.advertise({ features: [ns.roster] });
    server.onAccountIq({ type: 'get', ns: ns.roster, name: 'query' }, 'owner', get);
    server.onAccountIq({ type: 'set', ns: ns.roster, name: 'query' }, 'owner', (request) =>
      set(request, server, changes),
    );
  },
};

/** From now on the session hears of changes (RFC 6121 §2.2). Who has this version already gets nothing. */
function get({ account, session, payload }: AccountIq): Element | undefined {
  if (session !== undefined) session.isInterested = true;
  const known = payload.attr('ver');
  const version = known === undefined ? undefined : rosterVersion(account);
  if (version !== undefined && version === known) return undefined;
  return rosterQuery(rosterItems(account).map(itemElement), version);
}

async function set(request: AccountIq, server: Server, changes: Roster): Promise<undefined> {
  const wanted = parseRosterSet(request.payload);
  if (wanted.jid.equals(request.account.jid)) {
    throw new StanzaError('not-allowed', 'The account itself is no contact.');
  }
  const outbox = new Outbox(server);
  await server.accounts.with(request.account.jid, (account) => {
    if (account === undefined) throw new StanzaError('service-unavailable');
    return wanted.isRemoval
      ? remove(account, wanted.jid.toString(), changes, outbox)
      : put(account, wanted, changes);
  });
  await outbox.settled();
  return undefined;
}

/** Adds a contact or changes its name and groups; of subscriptions a client says nothing here (RFC 6121 §2.1.2.5). */
async function put(account: Account, wanted: RosterSet, changes: Roster): Promise<void> {
  const jid = wanted.jid.toString();
  const before = account.contacts.get(jid);
  const after: StoredContact = {
    jid,
    name: wanted.name,
    groups: wanted.groups,
    subscription: before?.subscription ?? 'none',
    ask: before?.ask ?? false,
    approved: before?.approved ?? false,
    isListed: true,
    pendingIn: before?.pendingIn,
  };
  checkRoom(account, after);
  await changes.put(account, after);
  changes.push(account, jid);
}

/** RFC 6121 §2.5: subscriptions in both directions end with it. */
async function remove(account: Account, jid: string, changes: Roster, outbox: Outbox): Promise<void> {
  const contact = account.contacts.get(jid);
  if (contact?.isListed !== true) throw new StanzaError('item-not-found');
  await changes.remove(account, jid);
  changes.push(account, jid);
  sayFarewell(account, contact, outbox);
}
