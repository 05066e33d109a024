import type {
  Advertisement,
  DirectedPresence,
  Host,
  IqHandler,
  IqRoute,
  MessageHandler,
  MessageRoute,
  OutgoingIq,
  SendIqOptions,
} from '../../src/hosts/host.js';
import type { Element } from '../../src/xmpp/element.js';
import type { IqAnswer } from '../../src/xmpp/iq-tracker.js';
import { Jid } from '../../src/xmpp/jid.js';

/** A host without a network: the test plays the peers. */
export class FakeHost implements Host {
  readonly domain: Jid;
  isConnected = true;
  readonly advertised: Advertisement[] = [];
  /** The requests that were sent, each with its options. */
  readonly requests: { readonly iq: OutgoingIq; readonly options: SendIqOptions }[] = [];
  /** Messages and presences that were sent. */
  readonly sent: Element[] = [];
  /** How the peers answer a request; an empty result unless the test says otherwise. */
  answer: (iq: OutgoingIq) => IqAnswer | Promise<IqAnswer> = () => ({ kind: 'result', payload: undefined });
  readonly #handlers = new Map<string, IqHandler>();
  readonly #messageHandlers = new Map<string, MessageHandler>();
  readonly #presenceHandlers: ((presence: DirectedPresence) => void)[] = [];

  constructor(domain = 'push.example.org') {
    this.domain = Jid.parse(domain);
  }

  onIq(route: IqRoute, handler: IqHandler): void {
    const key = routeKey(route);
    if (this.#handlers.has(key)) throw new Error(`two handlers for ${key}`);
    this.#handlers.set(key, handler);
  }

  onMessage({ ns, name }: MessageRoute, handler: MessageHandler): void {
    const key = routeKey({ type: 'set', ns, name });
    if (this.#messageHandlers.has(key)) throw new Error(`two handlers for ${key}`);
    this.#messageHandlers.set(key, handler);
  }

  onPresence(handler: (presence: DirectedPresence) => void): void {
    this.#presenceHandlers.push(handler);
  }

  async sendIq(iq: OutgoingIq, options: SendIqOptions): Promise<IqAnswer> {
    if (!this.isConnected) return { kind: 'disconnected' };
    this.requests.push({ iq, options });
    return this.answer(iq);
  }

  send(stanza: Element): boolean {
    if (this.isConnected) this.sent.push(stanza);
    return this.isConnected;
  }

  advertise(advertisement: Advertisement): void {
    this.advertised.push(advertisement);
  }

  /** Lets a peer ask; resolves to the payload of the result, rejects with what the handler threw. */
  async receiveIq(type: 'get' | 'set', from: string, payload: Element): Promise<Element | undefined> {
    const handler = this.#handlers.get(routeKey({ type, ns: payload.ns, name: payload.name }));
    if (handler === undefined) throw new Error(`nobody handles ${type} ${payload.name} in ${payload.ns}`);
    return handler({ type, id: 'q1', from: Jid.parse(from), to: this.domain, payload });
  }

  /** Lets a peer send a message; rejects with what the handler threw. */
  async receiveMessage(from: string, payload: Element): Promise<void> {
    const handler = this.#messageHandlers.get(routeKey({ type: 'set', ns: payload.ns, name: payload.name }));
    if (handler === undefined)
      throw new Error(`nobody handles messages with ${payload.name} in ${payload.ns}`);
    await handler({ from: Jid.parse(from), to: this.domain, payload });
  }

  /** Lets a peer send directed presence. */
  receivePresence(presence: DirectedPresence): void {
    for (const handler of this.#presenceHandlers) handler(presence);
  }
}

function routeKey({ type, ns, name }: IqRoute): string {
  return `${type} {${ns}}${name}`;
}
