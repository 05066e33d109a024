import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { RandomText } from '../../../xmpp/random-text.js';
import { iqRequest, presence } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Account } from '../account.js';
import type { AccountIq, Server, ServerModule } from '../module.js';
import type { Session } from '../session.js';
import { accountLimits } from '../settings.js';
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

/** Requests to an account are handled one after another, so a list does not change under one that changes it. */
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

  async block({ account, payload }: AccountIq): Promise<undefined> {
    const jids = itemsOf(payload);
    if (jids.length === 0) throw new StanzaError('bad-request', 'There is nothing to block.');
    const added = jids.filter((jid) => !account.blocked.has(jid));
    if (account.blocked.size + added.length > accountLimits.blocked) {
      throw new StanzaError(
        'resource-constraint',
        `A block list has at most ${accountLimits.blocked} entries.`,
      );
    }
    await this.#server.stores.blocks.add(account.id, added);
    this.#hide(account, new Set(added));
    for (const jid of added) account.blocked.add(jid);
    this.#push(account, 'block', jids);
  }

  /** Without items, everything is unblocked. */
  async unblock({ account, payload }: AccountIq): Promise<undefined> {
    const jids = itemsOf(payload);
    const removed = (jids.length === 0 ? [...account.blocked] : jids).filter((jid) =>
      account.blocked.has(jid),
    );
    await this.#server.stores.blocks.remove(account.id, removed);
    for (const jid of removed) account.blocked.delete(jid);
    this.#push(account, 'unblock', jids);
    this.#show(account, new Set(removed));
  }

  #push(account: Account, name: 'block' | 'unblock', jids: readonly string[]): void {
    const payload = el(name, ns.blocking, {}, ...jids.map(itemElement));
    for (const session of account.sessions.values()) {
      if (!this.#interested.has(session)) continue;
      const attrs = { from: account.jid.toString(), to: session.jid.toString(), id: this.#ids.next() };
      session.send(iqRequest('set', attrs, payload));
    }
  }

  /** Those who saw the account's presence see it go, if they have not been blocked before. */
  #hide(account: Account, added: ReadonlySet<string>): void {
    const isHidden = (jid: Jid) => isListed(added, account.jid, jid) && !isBlocked(account, jid);
    const all = watchers(account, added, isHidden);
    for (const session of availableSessions(account)) {
      const directed = [...session.directed].filter((text) => isHidden(Jid.parse(text)));
      for (const to of directed) session.directed.delete(to);
      for (const to of new Set([...all, ...directed])) {
        this.#send(presence({ type: 'unavailable', from: session.jid.toString(), to }));
      }
    }
  }

  /** Those who may see the account's presence see it again, and the account sees theirs. */
  #show(account: Account, removed: ReadonlySet<string>): void {
    const isShown = (jid: Jid) => isListed(removed, account.jid, jid) && !isBlocked(account, jid);
    const sessions = availableSessions(account);
    for (const to of watchers(account, removed, isShown)) {
      for (const { presence: last } of sessions) if (last !== undefined) this.#send(last.withAttrs({ to }));
    }
    if (sessions.length === 0) return;
    for (const to of contactsWith(account, ['to', 'both'], isShown)) {
      this.#send(presence({ type: 'probe', from: account.jid.toString(), to }));
    }
  }

  /** Not waited for: the other side may be an account that waits for this one. */
  #send(stanza: Element): void {
    void this.#server.route(stanza);
  }
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
  const contacts = contactsWith(account, ['from', 'both'], () => true);
  const resources = [...list]
    .map((text) => Jid.parse(text))
    .filter((jid) => jid.isFull && contacts.includes(jid.bare().toString()));
  return [...contacts.map((text) => Jid.parse(text)), ...resources].filter(isMeant).map(String);
}

function contactsWith(
  account: Account,
  subscriptions: readonly string[],
  isMeant: (jid: Jid) => boolean,
): readonly string[] {
  return [...account.contacts.values()]
    .filter(({ jid, subscription }) => subscriptions.includes(subscription) && isMeant(Jid.parse(jid)))
    .map(({ jid }) => jid);
}
