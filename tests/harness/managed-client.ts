import type { AccountIdentity } from '../../src/hosts/standalone/account.js';
import type { Core } from '../../src/hosts/standalone/core.js';
import type { Session, SessionLink } from '../../src/hosts/standalone/session.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import type { StreamError } from '../../src/xmpp/stream-error.js';
import { RecordingLink } from './fake-server.js';

export const sm = (name: string, attrs: Record<string, string> = {}) => el(name, ns.streamManagement, attrs);

/** A connection of a client that may be resumed: what comes is handled, counted and kept until it is asked for. */
class ClientLink extends RecordingLink {
  readonly #heard: (element: Element) => void;

  constructor(heard: (element: Element) => void) {
    super();
    this.#heard = heard;
  }

  override send(stanza: Element): boolean {
    const isSent = super.send(stanza);
    if (isSent) this.#heard(stanza);
    return isSent;
  }

  override write(element: Element): void {
    if (this.ended === undefined) this.#heard(element);
    super.write(element);
  }
}

/** A client that does its part of stream management (XEP-0198), over the core and without sockets. */
export class ManagedClient {
  readonly #core: Core;
  readonly account: AccountIdentity;
  #session: Session | undefined;
  link: RecordingLink;
  id = '';
  /** Stanzas handled since management began. */
  handled = 0;
  /** What the server says it has handled. */
  acknowledged = 0;
  isManaged = false;
  /** What the server was told that it has handled. */
  told = 0;
  /** The ids of all that it has handled in its session. */
  log: string[] = [];
  /** Whether it answers when it is asked. */
  isAttentive = true;
  /** Whether what the server writes is on its way until `hear`, and lost if the connection is before. */
  isFar = false;
  #wire: Element[] = [];
  /** Stanzas that have come and were not taken yet, in order. */
  readonly received: Element[] = [];
  /** Elements that are no stanzas. */
  readonly nonzas: Element[] = [];

  constructor(core: Core, account: AccountIdentity) {
    this.#core = core;
    this.account = account;
    this.link = this.#connect();
  }

  get session(): Session {
    if (this.#session === undefined) throw new Error('the client has no session');
    return this.#session;
  }

  get error(): StreamError | undefined {
    return this.link.ended?.error;
  }

  async bind(resource: string): Promise<this> {
    this.link = this.#connect();
    this.isManaged = false;
    this.#session = await this.#core.entrance.bind(this.account, resource, this.link);
    return this;
  }

  /** Asks for management; answers what the server said. */
  async enable(attrs: Record<string, string> = { resume: 'true' }): Promise<Element> {
    await this.say(sm('enable', attrs));
    return this.takeNonza();
  }

  /** Nothing is heard of what it says when the server has ended the connection. */
  async say(element: Element): Promise<void> {
    if (this.link.ended !== undefined) return;
    if (element.is('a', ns.streamManagement)) this.told = Number(element.attr('h'));
    await this.#core.entrance.receive(this.session, element);
  }

  /** Loses its connection; `isFinal` if it closed the stream before. */
  async lose(isFinal = false, link: SessionLink = this.link): Promise<void> {
    if (link === this.link) this.#wire = [];
    await this.#core.entrance.unbind(this.session, link, [], isFinal);
  }

  /** Asks for its session in a new connection; answers what the server said, or nothing if another one was faster. */
  async resume(attrs: Record<string, string> = {}): Promise<Element | undefined> {
    const link = this.#connect();
    this.link = link;
    const request = sm('resume', { previd: this.id, h: `${this.handled}`, ...attrs });
    const session = await this.#core.entrance.resume(this.account, request, link);
    if (session !== undefined) {
      this.#session = session;
      this.told = Number(request.attr('h'));
    }
    return this.nonzas.find(({ name }) => name === 'resumed' || name === 'failed');
  }

  /** So many elements arrive that the server has written; all of them if it is not said. */
  hear(count = Number.POSITIVE_INFINITY): void {
    for (const element of this.#wire.splice(0, count)) this.#hear(element);
  }

  take(): Element[] {
    return this.received.splice(0);
  }

  /** The ids of what it has received, in order. */
  takeIds(): string[] {
    return this.take().map((stanza) => stanza.attr('id') ?? '');
  }

  takeNonza(): Element {
    const [first] = this.nonzas.splice(0, 1);
    if (first === undefined) throw new Error('nothing but stanzas has come');
    return first;
  }

  #connect(): RecordingLink {
    this.#wire = [];
    const link: RecordingLink = new ClientLink((element) => {
      if (link !== this.link) return;
      if (this.isFar) this.#wire.push(element);
      else this.#hear(element);
    });
    return link;
  }

  #hear(element: Element): void {
    if (element.ns !== ns.streamManagement) {
      this.received.push(element);
      if (!this.isManaged) return;
      this.handled++;
      this.log.push(element.attr('id') ?? '');
      return;
    }
    if (element.name === 'enabled') {
      this.isManaged = true;
      this.handled = 0;
      this.told = 0;
      this.log = [];
      this.id = element.attr('id') ?? '';
    }
    if (element.name === 'a' || element.name === 'resumed') this.acknowledged = Number(element.attr('h'));
    if (element.name !== 'r') this.nonzas.push(element);
    else if (this.isAttentive) void this.say(sm('a', { h: `${this.handled}` }));
  }
}
