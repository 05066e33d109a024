import { randomBytes } from 'node:crypto';
import { type Core, createCore } from '../../src/hosts/standalone/core.js';
import type { ServerModule } from '../../src/hosts/standalone/module.js';
import { createPresence } from '../../src/hosts/standalone/presence/presence.js';
import type { Session } from '../../src/hosts/standalone/session.js';
import type { Element } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { FakeClock } from './fake-clock.js';
import { RecordingLink } from './fake-server.js';
import { memoryServerStores } from './memory-server-stores.js';
import { recordingEvents } from './recording-events.js';

const keys = {
  salt: new Uint8Array(16),
  iterations: 4096,
  storedKey: new Uint8Array(32),
  serverKey: new Uint8Array(32),
};

/** A client on the stage: a session of the real core, its connection played by the test. */
export class Actor {
  readonly session: Session;
  readonly #core: Core;
  readonly #link: RecordingLink;

  constructor(core: Core, session: Session, link: RecordingLink) {
    this.#core = core;
    this.session = session;
    this.#link = link;
  }

  async send(stanza: Element): Promise<void> {
    await this.#core.entrance.receive(this.session, stanza);
  }

  /** What came since it was asked last. */
  take(): Element[] {
    return this.#link.take();
  }

  /** As `take`, each stanza in a few words. */
  hears(): string[] {
    return this.take().map(inShort);
  }

  /** The connection is lost. */
  async vanish(): Promise<void> {
    await this.#core.entrance.unbind(this.session, []);
  }
}

/** The real core with presence and the given modules, stores in memory, without connections. */
export class CoreStage {
  readonly core: Core;
  readonly stores = memoryServerStores();
  readonly clock = new FakeClock();
  readonly #recording = recordingEvents();
  readonly recorded = this.#recording.recorded;
  /** What went to other servers. */
  readonly abroad: Element[] = [];

  constructor(modules: readonly ServerModule[], remote: 'elsewhere' | 'nowhere' = 'elsewhere') {
    this.core = createCore({
      domain: Jid.parse('example.org'),
      settings: { registration: 'closed', maxOfflineMessages: 10, maxSessionsPerAccount: 10 },
      stores: this.stores,
      events: this.#recording.events,
      clock: this.clock,
      now: () => Date.UTC(2026, 0, 1) + this.clock.now(),
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      processId: 'p1',
      software: { name: 'Belfry', version: '0' },
      ...(remote === 'elsewhere' && { routeRemote: (stanza: Element) => void this.abroad.push(stanza) }),
    });
    this.core.setPresenceRules(createPresence(this.core.server));
    for (const module of modules) module.setup(this.core.server);
  }

  async addAccounts(...bareJids: readonly string[]): Promise<void> {
    for (const jid of bareJids) await this.stores.accounts.create(jid, { sha1: keys, sha256: keys });
  }

  async connect(fullJid: string): Promise<Actor> {
    const jid = Jid.parse(fullJid);
    const link = new RecordingLink();
    const session = await this.core.entrance.bind(jid.bare(), jid.resource, link);
    return new Actor(this.core, session, link);
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
