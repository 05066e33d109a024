import { randomBytes } from 'node:crypto';
import { type Element, el } from '../../../src/xmpp/element.js';
import { ns } from '../../../src/xmpp/ns.js';
import { StanzaError } from '../../../src/xmpp/stanza-error.js';
import { waitFor } from '../net.js';
import { plainLogin, ResumableClient } from '../resumable-client.js';
import { splitJid } from '../xmpp-server.js';

export interface PhoneAccount {
  /** Where its server takes clients, on this machine. */
  readonly port: number;
  /** The full JID. */
  readonly jid: string;
  readonly password: string;
}

/** A client with stream management (XEP-0198) that has itself woken by pushes (XEP-0357). */
export class Phone {
  readonly jid: string;
  readonly bare: string;
  readonly #resource: string;
  readonly #client: ResumableClient;
  readonly #open = new Map<string, (answer: Element) => void>();
  /** All presence that it was sent. */
  readonly presences: Element[] = [];
  /** Where it was last enabled. */
  node = '';

  private constructor({ jid, password, port }: PhoneAccount) {
    const { local, domain, resource } = splitJid(jid);
    this.jid = jid;
    this.bare = `${local}@${domain}`;
    this.#resource = resource;
    const login = plainLogin(domain, local, password);
    this.#client = new ResumableClient({ port, webSocketPort: 0 }, 'tcp', login);
    this.#client.onStanza = (stanza) => this.#hear(stanza);
  }

  /** Logs in and is available. */
  static async logIn(account: PhoneAccount): Promise<Phone> {
    const phone = new Phone(account);
    await phone.#client.logIn(phone.#resource);
    return phone;
  }

  /** Messages that it has handled, in order. */
  get messages(): readonly Element[] {
    return this.#client.received;
  }

  get bodies(): string[] {
    return this.messages.flatMap((message) => message.child('body')?.text() ?? []);
  }

  /** From now on it does not say what it has got. */
  fallSilent(): void {
    this.#client.acknowledge();
    this.#client.isAttentive = false;
  }

  send(stanza: Element): void {
    this.#client.send(stanza);
  }

  /** Sends a request, to the account itself unless `to` says otherwise; resolves with the answer, result or error. */
  async request(type: 'get' | 'set', payload: Element, to?: string): Promise<Element> {
    const id = `phone-${randomBytes(6).toString('hex')}`;
    let answer: Element | undefined;
    this.#open.set(id, (stanza) => {
      answer = stanza;
    });
    this.send(el('iq', ns.client, { type, id, to }, payload));
    await waitFor(`${payload.name} to be answered`, () => answer !== undefined, { timeout: 60_000 });
    if (answer === undefined) throw new Error('unreachable: waitFor rejects');
    return answer;
  }

  /** The same; rejects with the error if one is the answer. */
  async ask(type: 'get' | 'set', payload: Element, to?: string): Promise<Element> {
    const answer = await this.request(type, payload, to);
    if (answer.attr('type') === 'error') throw StanzaError.fromStanza(answer);
    return answer;
  }

  /** Has pushes sent to that node of an app server. */
  async enable(service: string, node: string, ...children: readonly Element[]): Promise<void> {
    this.node = node;
    await this.ask('set', el('enable', ns.push, { jid: service, node }, ...children));
  }

  async disable(service: string, node?: string): Promise<void> {
    await this.ask('set', el('disable', ns.push, { jid: service, node }));
  }

  /** Whatever the server was sent before has been worked on, and what came of it has come. */
  async settle(): Promise<void> {
    await this.request('get', el('ping', ns.ping));
  }

  /** Its connection breaks, once it has said what it has got unless it does not. */
  async disconnect(): Promise<void> {
    if (this.#client.isAttentive) this.#client.acknowledge();
    await this.#client.fallAsleep();
  }

  /** Resumes its session, or begins a new one if that is over; from then on it says again what it gets. */
  wakeUp(): Promise<'resumed' | 'failed'> {
    this.#client.isAttentive = true;
    return this.#client.recover(this.#resource);
  }

  /** Ends its session; the server may not be done with it then. */
  logOut(): Promise<void> {
    return this.#client.logOut();
  }

  close(): void {
    this.#client.close();
  }

  #hear(stanza: Element): void {
    if (stanza.name === 'presence') this.presences.push(stanza);
    if (stanza.name !== 'iq') return;
    const id = stanza.attr('id') ?? '';
    this.#open.get(id)?.(stanza);
    this.#open.delete(id);
  }
}
