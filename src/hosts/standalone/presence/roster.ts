import { createHash } from 'node:crypto';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { RandomText } from '../../../xmpp/random-text.js';
import { iqRequest } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Account } from '../account.js';
import type { Server } from '../module.js';
import { accountLimits } from '../settings.js';
import type { StoredContact } from '../store.js';

/** All changes of rosters: on disk first, then in memory, then told to the clients. */
export interface Roster {
  /** Rejects with the database's error. To be called while nobody else works on the account, as `remove`. */
  put(account: Account, contact: StoredContact): Promise<void>;
  remove(account: Account, jid: string): Promise<void>;
  /**
   * Tells the sessions that have asked for the roster what is now known of a contact (RFC 6121 §2.1.6); one that is no
   * item (any more) is said to be removed. Their answers have ids that nobody waits for.
   */
  push(account: Account, jid: string): void;
}

export function createRoster(server: Pick<Server, 'stores' | 'randomBytes'>): Roster {
  const { rosters } = server.stores;
  const ids = new RandomText(server.randomBytes);
  return {
    async put(account, contact) {
      await rosters.put(account.id, contact);
      account.contacts.set(contact.jid, contact);
      account.rosterVersion = undefined;
    },
    async remove(account, jid) {
      await rosters.remove(account.id, jid);
      account.contacts.delete(jid);
      account.rosterVersion = undefined;
    },
    push(account, jid) {
      const interested = [...account.sessions.values()].filter((session) => session.isInterested);
      if (interested.length === 0) return;
      const query = rosterQuery([pushedItem(account, jid)], rosterVersion(account));
      const from = account.jid.toString();
      for (const session of interested) {
        session.send(iqRequest('set', { from, to: session.jid.toString(), id: ids.next() }, query));
      }
    },
  };
}

function pushedItem(account: Account, jid: string): Element {
  const contact = account.contacts.get(jid);
  const isItem = contact?.isListed === true;
  return isItem ? itemElement(contact) : el('item', ns.roster, { jid, subscription: 'remove' });
}

/** The roster's `<query/>` (RFC 6121 §2.1.1). */
export function rosterQuery(items: readonly Element[], version: string | undefined): Element {
  return el('query', ns.roster, { ver: version }, ...items);
}

/** RFC 6121 §2.1.2. */
export function itemElement(contact: StoredContact): Element {
  const { jid, name, groups, subscription, ask, approved } = contact;
  return el(
    'item',
    ns.roster,
    {
      jid,
      name: name === '' ? undefined : name,
      subscription,
      ask: ask ? 'subscribe' : undefined,
      approved: approved ? 'true' : undefined,
    },
    ...groups.map((group) => el('group', ns.roster, {}, group)),
  );
}

/** The contacts that are items to the user's clients. */
export function rosterItems(account: Account): StoredContact[] {
  return [...account.contacts.values()].filter((contact) => contact.isListed);
}

/** The version of the roster as clients see it (RFC 6121 §2.6): the same for the same content, also after a restart. */
export function rosterVersion(account: Account): string {
  account.rosterVersion ??= computeVersion(account);
  return account.rosterVersion;
}

/** About a millisecond for a thousand contacts. */
function computeVersion(account: Account): string {
  const lines = rosterItems(account).map(({ jid, name, groups, subscription, ask, approved }) =>
    JSON.stringify([jid, name, groups, subscription, ask, approved]),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('base64url').slice(0, 22);
}

/**
 * Makes sure that there is room for an item, new or not, that is about to be written.
 * @throws {StanzaError} `resource-constraint` if the account has as many as it may, or as long ones
 */
export function checkRoom(account: Account, item: StoredContact): void {
  const before = account.contacts.get(item.jid);
  const items = rosterItems(account);
  if (before?.isListed !== true && items.length >= accountLimits.contacts) {
    throw new StanzaError('resource-constraint', `A roster has at most ${accountLimits.contacts} contacts.`);
  }
  const more = bytesOf(item) - (before?.isListed === true ? bytesOf(before) : 0);
  if (more <= 0 || bytesOfAll(items) + more <= accountLimits.rosterBytes) return;
  throw new StanzaError('resource-constraint', `A roster has at most ${accountLimits.rosterBytes} bytes.`);
}

function bytesOfAll(items: readonly StoredContact[]): number {
  return items.reduce((sum, item) => sum + bytesOf(item), 0);
}

function bytesOf({ jid, name, groups }: StoredContact): number {
  return [jid, name, ...groups].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
