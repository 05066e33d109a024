import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { RandomText } from '../../../xmpp/random-text.js';
import { iqRequest, presence } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Account } from '../account.js';
import type { AccountIq, Server, ServerModule } from '../module.js';
import { isSeen, seesUser } from '../presence/contact.js';
import type { Session } from '../session.js';
import { accountLimits } from '../settings.js';
import type { StoredContact } from '../store.js';
import { isBlocked, isListed, judgeIncoming, judgeOutgoing } from './block-list.js';

/** Block lists of accounts, and what follows from them for every stanza. */
export const blocking: ServerModule = {
  name: 'blocking',
  implements: [{ xep: '0191', version: '1.3' }],
  setup(server) {
    const changes = new BlockListChanges(server);
    const on = (type: 'get' | 'set', name: string, handler: (request: AccountIq) => Outcome) =>
      server.onAccountIq({ type, ns: ns.blocking, name }, 'owner', handler);
    server.advertise({ features: [ns.blocking] });
    server.hooks.outgoing.on(judgeOutgoing);
    server.hooks.incoming.on(judgeIncoming);
    on('get', 'blocklist', (request) => changes.list(request));
    on('set', 'block', (request) => changes.block(request));
    on('set', 'unblock', (request) => changes.unblock(request));
  },
};

type Outcome = Element | Promise<undefined>;

class BlockListChanges {
  readonly #server: Server;
  readonly #ids: RandomText;
  /** Sessions that have asked for the list, and so hear of its changes. */
  readonly #interested = new WeakSet<Session>();

  constructor(server: Server) {
    this.#server = server;
    this.#ids = new RandomText(server.randomBytes);
  }

  list({ account, session }: AccountIq): Element {
    if (session !== undefined) this.#interested.add(session);
    return el('blocklist', ns.blocking, {}, ...[...account.blocked].map(itemElement));
  }

  async block({ account: { jid }, payload }: AccountIq): Promise<undefined> {
    const jids = itemsOf(payload);
    if (jids.length === 0) throw new StanzaError('bad-request', 'There is nothing to block.');
    await this.#change(jid, async (account) => {
      const added = jids.filter((text) => !account.blocked.has(text));
      checkRoom(account, added);
      await this.#server.stores.blocks.add(account.id, added);
      const farewell = leaving(account, new Set(added));
      for (const text of added) account.blocked.add(text);
      this.#push(account, 'block', jids);
      return farewell;
    });
  }

  /** Without items, everything is unblocked. */
  async unblock({ account: { jid }, payload }: AccountIq): Promise<undefined> {
    const jids = itemsOf(payload);
    const named = new Set(jids);
    await this.#change(jid, async (account) => {
      const removed = [...account.blocked].filter((text) => named.size === 0 || named.has(text));
      await this.#server.stores.blocks.remove(account.id, removed);
      for (const text of removed) account.blocked.delete(text);
      this.#push(account, 'unblock', jids);
      return returning(account, new Set(removed));
    });
  }

  /** Changes a list while nobody else does, then sends the presence that follows from it. */
  async #change(jid: Jid, change: (account: Account) => Promise<readonly Element[]>): Promise<void> {
    const stanzas = await this.#server.accounts.with(jid, (account) => {
      if (account === undefined) throw new StanzaError('service-unavailable');
      return change(account);
    });
    for (const stanza of stanzas) await this.#server.route(stanza);
  }

  #push(account: Account, name: 'block' | 'unblock', jids: readonly string[]): void {
    const payload = el(name, ns.blocking, {}, ...jids.map(itemElement));
    for (const session of account.sessions.values()) {
      if (!this.#interested.has(session)) continue;
      const attrs = { from: account.jid.toString(), to: session.jid.toString(), id: this.#ids.next() };
      session.send(iqRequest('set', attrs, payload));
    }
  }
}

function checkRoom(account: Account, added: readonly string[]): void {
  if (account.blocked.size + added.length <= accountLimits.blocked) return;
  throw new StanzaError('resource-constraint', `A block list has at most ${accountLimits.blocked} entries.`);
}

/** Those who saw the account's presence see it go, if they are not blocked already. */
function leaving(account: Account, added: ReadonlySet<string>): readonly Element[] {
  const isMeant = (jid: Jid) => isListed(added, account.jid, jid) && !isBlocked(account, jid);
  const all = watchers(account, added, isMeant);
  return availableSessions(account).flatMap((session) => {
    const directed = [...session.directed].filter((text) => isMeant(Jid.parse(text)));
    for (const to of directed) session.directed.delete(to);
    const from = session.jid.toString();
    return [...new Set([...all, ...directed])].map((to) => presence({ type: 'unavailable', from, to }));
  });
}

/** Those who may see the account's presence see it again, and the account sees theirs. */
function returning(account: Account, removed: ReadonlySet<string>): readonly Element[] {
  const isMeant = (jid: Jid) => isListed(removed, account.jid, jid) && !isBlocked(account, jid);
  const all = watchers(account, removed, isMeant);
  const own = availableSessions(account).flatMap(({ presence: last }) => last ?? []);
  const probed = own.length === 0 ? [] : contactsWith(account, isSeen).filter(isMeant);
  const from = account.jid.toString();
  return [
    ...own.flatMap((last) => all.map((to) => last.withAttrs({ to }))),
    ...probed.map((jid) => presence({ type: 'probe', from, to: jid.toString() })),
  ];
}

function itemElement(jid: string): Element {
  return el('item', ns.blocking, { jid });
}

/**
 * The addresses that a request names, prepared, each once.
 * @throws {StanzaError} `jid-malformed`
 */
function itemsOf(payload: Element): readonly string[] {
  const items = payload.elements().filter((child) => child.is('item', ns.blocking));
  return [...new Set(items.map((item) => parseItem(item).toString()))];
}

function parseItem(item: Element): Jid {
  const jid = Jid.tryParse(item.attr('jid'));
  if (jid === undefined) throw new StanzaError('jid-malformed', 'An item has no valid address.');
  return jid;
}

function availableSessions(account: Account): readonly Session[] {
  return [...account.sessions.values()].filter((session) => session.isAvailable);
}

/** Contacts that may see the account's presence, and single resources of such that are in the list themselves. */
function watchers(
  account: Account,
  list: ReadonlySet<string>,
  isMeant: (jid: Jid) => boolean,
): readonly string[] {
  const contacts = contactsWith(account, seesUser);
  const resources = [...list]
    .map((text) => Jid.parse(text))
    .filter((jid) => jid.isFull && contacts.some((contact) => contact.equals(jid.bare())));
  return [...contacts, ...resources].filter(isMeant).map(String);
}

function contactsWith(account: Account, isWanted: (contact: StoredContact) => boolean): readonly Jid[] {
  return [...account.contacts.values()].filter(isWanted).map(({ jid }) => Jid.parse(jid));
}
