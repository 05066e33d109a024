import type { Core } from '../../src/hosts/standalone/core.js';
import type { ServerModule } from '../../src/hosts/standalone/module.js';
import { createPresence } from '../../src/hosts/standalone/presence/presence.js';
import type { Session } from '../../src/hosts/standalone/session.js';
import type { Element } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { type CoreClient, EmbeddedCore } from './embedded-core.js';

/** A client on the stage: a session of the real core, its connection played by the test. */
export class Actor {
  readonly #client: CoreClient;

  constructor(client: CoreClient) {
    this.#client = client;
  }

  get session(): Session {
    return this.#client.session;
  }

  async send(stanza: Element): Promise<void> {
    await this.#client.say(stanza);
  }

  /** What came since it was asked last. */
  take(): Element[] {
    return this.#client.link.take();
  }

  /** As `take`, each stanza in a few words. */
  hears(): string[] {
    return this.take().map(inShort);
  }

  /** The connection is lost, and with it what it still had to send. */
  async vanish(...undelivered: readonly Element[]): Promise<void> {
    await this.#client.lose(...undelivered);
  }
}

/** The real core with presence and the given modules, for plays of several users. */
export class CoreStage {
  readonly #embedded: EmbeddedCore;
  /** What went to other servers. */
  readonly abroad: Element[] = [];

  constructor(modules: readonly ServerModule[], remote: 'elsewhere' | 'nowhere' = 'elsewhere') {
    const routeRemote = (stanza: Element) => void this.abroad.push(stanza);
    this.#embedded = new EmbeddedCore({}, remote === 'elsewhere' ? { routeRemote } : {});
    this.core.setPresenceRules(createPresence(this.core.server));
    for (const module of modules) module.setup(this.core.server);
  }

  get core(): Core {
    return this.#embedded.core;
  }

  get stores(): EmbeddedCore['stores'] {
    return this.#embedded.stores;
  }

  get clock(): EmbeddedCore['clock'] {
    return this.#embedded.clock;
  }

  get recorded(): EmbeddedCore['recorded'] {
    return this.#embedded.recorded;
  }

  async addAccounts(...bareJids: readonly string[]): Promise<void> {
    for (const jid of bareJids) await this.#embedded.addAccount(jid);
  }

  async connect(fullJid: string): Promise<Actor> {
    return new Actor(await this.#embedded.connect(fullJid));
  }
}

/**
 * A stanza in a few words: its name and type, from whom, what is in it; of a roster push the item, as in
 * `push ana@example.org none ask=subscribe`.
 */
export function inShort(stanza: Element): string {
  const type = stanza.attr('type');
  const item = stanza.child('query', ns.roster)?.child('item');
  if (type === 'set' && item !== undefined) return itemInShort(item);
  const error = type === 'error' ? stanza.child('error')?.firstElement()?.name : undefined;
  const text = stanza.child('status')?.text() ?? stanza.child('body')?.text();
  const parts = [type ?? stanza.name, stanza.attr('from'), error, text];
  return parts.filter((part) => part !== undefined).join(' ');
}

function itemInShort(item: Element): string {
  const flags = ['ask', 'approved', 'name'].flatMap((name) => {
    const value = item.attr(name);
    return value === undefined ? [] : `${name}=${value}`;
  });
  const groups = item.elements().map((group) => `[${group.text()}]`);
  return ['push', item.attr('jid'), item.attr('subscription'), ...flags, ...groups].join(' ');
}
