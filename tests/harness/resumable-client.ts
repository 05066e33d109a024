import { once } from 'node:events';
import { type Element, el } from '../../src/xmpp/element.js';
import { ns } from '../../src/xmpp/ns.js';
import { serialize } from '../../src/xmpp/serialize.js';
import { type Carrier, type Line, openTcp, openWebSocket } from './client-line.js';
import { waitFor } from './net.js';
import type { SocketCore } from './socket-core.js';

/** How a connection breaks: closed without a word, reset, or dead without anybody noticing. */
export const cuts = ['closed', 'reset', 'dead'] as const;
export type Cut = (typeof cuts)[number];

/** Who logs in, where. */
export interface Login {
  readonly domain: string;
  readonly auth: Element;
}

const auth = (mechanism: string, text: string) =>
  el('auth', ns.sasl, { mechanism }, Buffer.from(text).toString('base64'));

/** With a password, as servers in use want it. */
export const plainLogin = (domain: string, user: string, password: string): Login => ({
  domain,
  auth: auth('PLAIN', `\0${user}\0${password}`),
});

const sm = (name: string, attrs: Record<string, string> = {}) => el(name, ns.streamManagement, attrs);

/**
 * A client that does its part of stream management (XEP-0198) over real sockets, and whose connections break when the test
 * says so. What it has handled it never handles again by itself.
 */
export class ResumableClient {
  readonly #server: Pick<SocketCore, 'port' | 'webSocketPort'>;
  readonly #carrier: Carrier;
  readonly #login: Login;
  #line: Line | undefined;
  #isManaged = false;
  /** Elements that are no part of a session, until somebody expects them. */
  #others: Element[] = [];
  /** Its name for the session, once it has one. */
  id: string | undefined;
  handled = 0;
  /** What the server was told last. */
  told = 0;
  /** Messages that it was sent within its session, in order. */
  readonly received: Element[] = [];
  /** What it has sent, and the server has not said that it has handled. */
  #unacknowledged: Element[] = [];
  #acknowledged = 0;
  /** The same of a session that is over. */
  readonly #left: Element[] = [];
  /** Whether it answers when it is asked. */
  isAttentive = true;
  #onCut: () => void = () => {};
  /** Hears of each message when it was handled. */
  onMessage: (count: number) => void = () => {};
  /** Hears of each stanza of its session. */
  onStanza: (stanza: Element) => void = () => {};

  /** Given a name alone, it logs in as the clients of a `SocketCore` do. */
  constructor(server: Pick<SocketCore, 'port' | 'webSocketPort'>, carrier: Carrier, login: string | Login) {
    this.#server = server;
    this.#carrier = carrier;
    this.#login = typeof login === 'string' ? { domain: 'example.org', auth: auth('NAME', login) } : login;
  }

  /** The ids of what it has received, each once, in order, and those that came again. */
  get ids(): { readonly distinct: readonly string[]; readonly repeated: readonly string[] } {
    const distinct = new Set<string>();
    const repeated: string[] = [];
    for (const stanza of this.received) {
      const id = stanza.attr('id') ?? '';
      if (distinct.has(id)) repeated.push(id);
      distinct.add(id);
    }
    return { distinct: [...distinct], repeated };
  }

  async connect(): Promise<void> {
    const { port, webSocketPort } = this.#server;
    const line = await (this.#carrier === 'tcp'
      ? openTcp(port, this.#login.domain)
      : openWebSocket(webSocketPort, this.#login.domain));
    this.#line = line;
    this.#isManaged = false;
    this.#others = [];
    line.listen((element) => {
      if (this.#line === line) this.#hear(element, line);
    });
    await this.open();
  }

  /** Opens a stream. */
  async open(): Promise<void> {
    this.#write(this.#line?.header ?? '');
    await this.expect('features');
  }

  async authenticate(): Promise<void> {
    this.say(this.#login.auth);
    await this.expect('success');
    this.#line?.restart();
  }

  async bind(resource: string): Promise<void> {
    const wish = el('bind', ns.bind, {}, el('resource', ns.bind, {}, resource));
    this.say(el('iq', ns.client, { type: 'set', id: 'bind' }, wish));
    await this.expect('iq');
    this.id = undefined;
  }

  async enable(): Promise<void> {
    this.say(sm('enable', { resume: 'true' }));
    await this.expect('enabled');
  }

  askToResume(): void {
    this.say(sm('resume', { previd: this.id ?? '', h: `${this.handled}` }));
  }

  /** From nothing to a managed session that is available. */
  async logIn(resource: string): Promise<void> {
    await this.connect();
    await this.authenticate();
    await this.open();
    await this.begin(resource);
  }

  /** Binds a resource and begins anew, with what the server is not known to have handled. */
  async begin(resource: string): Promise<void> {
    this.#left.push(...this.#unacknowledged.splice(0).filter(({ name }) => name === 'message'));
    await this.bind(resource);
    await this.enable();
    this.send(el('presence', ns.client));
    for (const stanza of this.#left.splice(0)) this.send(stanza);
  }

  /** Resumes its session if it can, or else binds the resource anew, and sends again what has to be. */
  async recover(resource: string): Promise<'resumed' | 'failed'> {
    await this.connect();
    await this.authenticate();
    await this.open();
    if (this.id === undefined) {
      await this.begin(resource);
      return 'failed';
    }
    this.askToResume();
    const answer = await this.expect('resumed', 'failed');
    if (answer.name === 'failed') await this.begin(resource);
    return answer.name === 'failed' ? 'failed' : 'resumed';
  }

  /** Sends a stanza of its session. */
  send(stanza: Element): void {
    this.#unacknowledged.push(stanza);
    this.say(stanza);
  }

  /** Sends a part of a stanza, and nothing more by this connection. */
  sendPart(stanza: Element): void {
    const isAttentive = this.isAttentive;
    this.isAttentive = false;
    this.#onCut = () => {
      this.isAttentive = isAttentive;
    };
    this.#unacknowledged.push(stanza);
    const text = serialize(stanza, this.#carrier === 'tcp' ? ns.client : undefined);
    if (this.#carrier === 'tcp') this.#write(text.slice(0, text.length / 2));
    else this.#line?.socket.write(Buffer.from([0x81, 0xfe, 0x01]));
  }

  say(element: Element): void {
    this.#write(serialize(element, this.#carrier === 'tcp' ? ns.client : undefined));
  }

  ask(): void {
    this.say(sm('r'));
  }

  acknowledge(): void {
    this.told = this.handled;
    this.say(sm('a', { h: `${this.handled}` }));
  }

  /** Waits for an element of one of these names that is no part of a session. */
  async expect(...names: readonly string[]): Promise<Element> {
    let found: Element | undefined;
    const line = this.#line;
    await waitFor(
      names.join(),
      () => {
        if (this.#line !== line) throw new Error('the connection has broken');
        const at = this.#others.findIndex(({ name }) => names.includes(name));
        if (at >= 0) [found] = this.#others.splice(at, 1);
        return found !== undefined;
      },
      { interval: 1 },
    );
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  /** Whether such an element has come and nobody has expected it. */
  hasHeard(name: string): boolean {
    return this.#others.some((element) => element.name === name);
  }

  /** Breaks the connection; nothing that comes by it is heard any more. */
  cut(how: Cut): void {
    const socket = this.#line?.socket;
    this.#line = undefined;
    this.#isManaged = false;
    this.#onCut();
    this.#onCut = () => {};
    if (how === 'closed') socket?.end();
    else if (how === 'reset') socket?.resetAndDestroy();
    else socket?.pause();
  }

  /** Breaks the connection by closing it; resolves when the server has closed it as well. */
  async fallAsleep(): Promise<void> {
    const socket = this.#line?.socket;
    this.cut('closed');
    if (socket !== undefined && !socket.closed) await once(socket, 'close');
  }

  /** Closes the stream, so that nobody expects it back; resolves when the server has closed the connection. */
  async logOut(): Promise<void> {
    this.#write(this.#carrier === 'tcp' ? '</stream:stream>' : serialize(el('close', ns.framing)));
    await this.fallAsleep();
  }

  /** Ends what is left of it. */
  close(): void {
    this.#line?.socket.destroy();
  }

  #write(text: string): void {
    this.#line?.write(text);
  }

  #hear(element: Element, line: Line): void {
    if (element.ns === ns.streamManagement) this.#manage(element);
    if (!this.#isManaged || element.ns !== ns.client) {
      this.#others.push(element);
      return;
    }
    this.handled++;
    this.onStanza(element);
    if (element.name === 'message') {
      this.received.push(element);
      this.onMessage(this.received.length);
    }
    if (line === this.#line && this.isAttentive && this.handled % 7 === 0) this.acknowledge();
  }

  #manage(element: Element): void {
    if (element.name === 'enabled') {
      this.id = element.attr('id');
      this.handled = 0;
      this.told = 0;
      this.#acknowledged = 0;
      this.#isManaged = true;
    }
    if (element.name === 'r' && this.isAttentive) this.acknowledge();
    const h = element.attr('h');
    if (h !== undefined) this.#drop(Number(h));
    if (element.name !== 'resumed') return;
    this.#isManaged = true;
    for (const stanza of this.#unacknowledged) this.say(stanza);
  }

  /** The server has handled so many stanzas of the session. */
  #drop(h: number): void {
    this.#unacknowledged.splice(0, h - this.#acknowledged);
    this.#acknowledged = h;
  }
}
