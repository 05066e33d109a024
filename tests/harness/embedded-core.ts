import { randomBytes } from 'node:crypto';
import type { AccountIdentity } from '../../src/hosts/standalone/account.js';
import { type Core, type CoreOptions, createCore } from '../../src/hosts/standalone/core.js';
import type { Session } from '../../src/hosts/standalone/session.js';
import type { StandaloneSettings } from '../../src/hosts/standalone/settings.js';
import type { ScramKeys } from '../../src/hosts/standalone/store.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { FakeClock } from './fake-clock.js';
import { RecordingLink } from './fake-server.js';
import { memoryServerStores } from './memory-server-stores.js';
import { recordingEvents } from './recording-events.js';
import { testSettings } from './settings.js';

const keys: ScramKeys = {
  salt: new Uint8Array(16),
  iterations: 4096,
  storedKey: new Uint8Array(32),
  serverKey: new Uint8Array(32),
};

/** A client of the core: its session, and a link that records. */
export class CoreClient {
  readonly session: Session;
  readonly link: RecordingLink;
  readonly #core: Core;

  constructor(core: Core, session: Session, link: RecordingLink) {
    this.#core = core;
    this.session = session;
    this.link = link;
  }

  /** Sends as a client does. */
  async say(stanza: Element): Promise<void> {
    await this.#core.entrance.receive(this.session, stanza);
  }

  /** Is available, as the rules of presence would make it. */
  available(priority = 0): this {
    this.session.presence = el('presence', ns.client);
    this.session.priority = priority;
    return this;
  }

  /** Loses its connection, which still had this to send. */
  async lose(...undelivered: Element[]): Promise<void> {
    await this.#core.entrance.unbind(this.session, this.link, undelivered, false);
  }

  /** What it was sent since it was asked last, as `name:type:id`. */
  got(): string[] {
    return this.link
      .take()
      .map((stanza) => [stanza.name, stanza.attr('type') ?? '', stanza.attr('id') ?? ''].join(':'));
  }

  /** Takes the one stanza that it was sent. */
  only(): Element {
    const sent = this.link.take();
    const [stanza] = sent;
    if (stanza === undefined || sent.length > 1) throw new Error(`${sent.length} stanzas were sent, not one`);
    return stanza;
  }
}

/** The real core of the embedded server over stores in memory, without sockets and without modules. */
export class EmbeddedCore {
  readonly stores = memoryServerStores();
  readonly clock = new FakeClock();
  readonly #recording = recordingEvents();
  readonly recorded = this.#recording.recorded;
  /** What was sent to other servers. */
  readonly remote: Element[] = [];
  readonly core: Core;

  constructor(settings: Partial<StandaloneSettings> = {}, more: Partial<CoreOptions> = {}) {
    this.core = createCore({
      domain: Jid.parse('example.org'),
      settings: { ...testSettings, ...settings },
      stores: this.stores,
      events: this.#recording.events,
      clock: this.clock,
      now: () => 0,
      randomBytes: (size) => new Uint8Array(randomBytes(size)),
      processId: 'p1',
      software: { name: 'Belfry', version: '1.2.3' },
      ...more,
    });
  }

  get failures(): readonly string[] {
    return this.recorded.flatMap((event) => (event.name === 'handlerFailed' ? [event.what] : []));
  }

  async addAccount(bareJid: string): Promise<void> {
    await this.stores.accounts.create(bareJid, { sha1: keys, sha256: keys });
  }

  /** The account that has the name now. */
  async account(bareJid: string): Promise<AccountIdentity> {
    const stored = await this.stores.accounts.find(bareJid);
    if (stored === undefined) throw new Error(`there is no account ${bareJid}`);
    return { id: stored.id, jid: Jid.parse(bareJid) };
  }

  /** Binds a session of an account, which is made if need be. */
  async connect(fullJid: string): Promise<CoreClient> {
    const jid = Jid.parse(fullJid);
    await this.addAccount(jid.bare().toString());
    const link = new RecordingLink();
    const account = await this.account(jid.bare().toString());
    const session = await this.core.entrance.bind(account, jid.resource, link);
    return new CoreClient(this.core, session, link);
  }
}

/** The condition of an error stanza. */
export function conditionOf(stanza: Element): string {
  return stanza.attr('type') === 'error' ? StanzaError.fromStanza(stanza).condition : 'no error';
}
