import type { Socket } from 'node:net';
import type { Events } from '../../../observability/events.js';
import type { Element } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import type { RandomText } from '../../../xmpp/random-text.js';
import { serialize } from '../../../xmpp/serialize.js';
import { errorReply, isStanza, withAddresses } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { WriteQueue } from '../../write-queue.js';
import type { AddressCache } from '../address-cache.js';
import type { RegisteredStream, Registry } from '../connections/registry.js';
import { streamErrorFor } from '../connections/stream-error-for.js';
import type { StreamListener } from '../connections/stream-listener.js';
import { XmlSocket } from '../connections/xml-socket.js';
import { InFlight } from '../in-flight.js';
import type { ComponentLink, ComponentPlace } from './component-place.js';
import { isHandshake, readComponentHeader, writeComponentHeader } from './handshake.js';
import { type ComponentLimits, handshakeParserLimits, stanzaParserLimits } from './limits.js';

/** What the streams of all components have in common. */
export interface ComponentContext {
  /** The server's domain. */
  readonly domain: string;
  /** The components that may connect, by domain. */
  readonly places: ReadonlyMap<string, ComponentPlace>;
  readonly addresses: AddressCache;
  /** Takes a stanza with checked and prepared addresses. Never rejects. */
  readonly route: (stanza: Element) => void | Promise<void>;
  readonly registry: Registry<ComponentStream>;
  readonly streamIds: RandomText;
  readonly limits: ComponentLimits;
  readonly events: Pick<
    Events,
    'componentAttached' | 'componentDetached' | 'componentRefused' | 'stanzaDropped' | 'handlerFailed'
  >;
}

const streamEnd = '</stream:stream>';

/**
 * The stream of an external component (XEP-0114) from the first byte to the last. Its stanzas are begun in order and
 * worked on side by side, for they are of many senders, up to a bound; then nothing is read.
 */
export class ComponentStream implements StreamListener, RegisteredStream, ComponentLink {
  readonly remoteAddress: string;
  readonly #context: ComponentContext;
  readonly #socket: XmlSocket;
  readonly #queue: WriteQueue<Element>;
  readonly #inFlight: InFlight;
  #state: 'opening' | 'handshaking' | 'attached' | 'ending' | 'gone' = 'opening';
  #place: ComponentPlace | undefined;
  /** Of our header; empty before that was sent. */
  #streamId = '';
  /** Bytes before the handshake, and then after the end. */
  #countedBytes = 0;

  constructor(context: ComponentContext, socket: Socket, remoteAddress: string) {
    const { limits } = context;
    this.#context = context;
    this.remoteAddress = remoteAddress;
    this.#inFlight = new InFlight(limits.inFlight);
    this.#socket = new XmlSocket(socket, {
      limits: handshakeParserLimits(limits),
      contentNamespaces: [ns.componentAccept],
      onDropped: (error, start) => this.#dropped(error, start),
    });
    this.#queue = new WriteQueue(this.#socket, limits.waitingBytes);
  }

  /** Begins to read. */
  start(): void {
    this.#socket.start(this);
  }

  send(stanza: Element): boolean {
    if (this.#state !== 'attached') return false;
    if (this.#queue.push(serialize(stanza, ns.client), stanza)) return true;
    this.end(new StreamError('resource-constraint', 'The component reads too slowly.'));
    return false;
  }

  end(error?: StreamError): void {
    if (this.#isOver) return;
    const wasAttached = this.#state === 'attached';
    this.#state = 'ending';
    this.#countedBytes = 0;
    this.#socket.ignore();
    this.#queue.end(...this.#lastWords(error));
    this.#context.registry.ending(this);
    if (error !== undefined) this.#report(error);
    if (wasAttached) this.#detach();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onHeader(header: Element, contentNamespace: string): void {
    this.#guard(() => this.#open(readComponentHeader(header, contentNamespace)));
  }

  onElement(element: Element): void {
    if (element.is('error', ns.streams)) this.end();
    else this.#guard(() => this.#receive(element));
  }

  onEnd(): void {
    this.end();
  }

  /** Whoever has not shaken hands gets little, and who goes on after the end may not read why it was ended. */
  onBytes(count: number): void {
    if (this.#state === 'attached') return;
    const { handshakeBytes, ignoredBytes } = this.#context.limits;
    this.#countedBytes += count;
    if (this.#state === 'ending') {
      if (this.#countedBytes > ignoredBytes) this.destroy();
    } else if (this.#countedBytes > handshakeBytes) {
      this.end(new StreamError('policy-violation', 'So much is not needed for a handshake.'));
    }
  }

  onBroken(error: unknown): void {
    if (this.#isOver) return;
    this.end(streamErrorFor(error, 'component stream', this.#context.events));
  }

  onClosed(): void {
    const wasAttached = this.#state === 'attached';
    this.#state = 'gone';
    if (wasAttached) this.#detach();
    this.#context.registry.gone(this, this.#giveBack());
  }

  get #isOver(): boolean {
    return this.#state === 'ending' || this.#state === 'gone';
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.onBroken(error);
    }
  }

  #open(domain: string): void {
    this.#place = this.#context.places.get(domain);
    if (this.#place === undefined)
      throw new StreamError('host-unknown', 'No component of this name is configured.');
    this.#state = 'handshaking';
    this.#queue.push(this.#header(domain));
  }

  #receive(element: Element): void {
    if (this.#state === 'attached') this.#take(element);
    else if (this.#place !== undefined) this.#shakeHands(element, this.#place);
  }

  #header(domain: string): string {
    this.#streamId = this.#context.streamIds.next();
    return writeComponentHeader(domain, this.#streamId);
  }

  /** An error that comes before our header follows it all the same (RFC 6120 §4.9.1.2). */
  #lastWords(error: StreamError | undefined): string[] {
    const hasHeader = this.#streamId !== '';
    if (error === undefined) return hasHeader ? [streamEnd] : [];
    const header = hasHeader ? [] : [this.#header(this.#context.domain)];
    return [...header, serialize(error.toElement(), ns.client), streamEnd];
  }

  #shakeHands(element: Element, place: ComponentPlace): void {
    if (!isHandshake(element, this.#streamId, place.secret))
      throw new StreamError('not-authorized', 'The handshake does not fit the secret.');
    if (!place.enter(this)) throw new StreamError('conflict', 'The component is connected already.');
    this.#state = 'attached';
    this.#socket.limit(stanzaParserLimits(this.#context.limits));
    this.#context.registry.authenticated(this);
    this.#context.registry.bound(this);
    this.#queue.push('<handshake/>');
    this.#context.events.componentAttached({ domain: place.domain, client: this.remoteAddress });
  }

  #take(element: Element): void {
    if (!isStanza(element))
      throw new StreamError('unsupported-stanza-type', `<${element.name}/> is no stanza.`);
    const from = this.#checkFrom(element.attr('from'));
    const to = this.#context.addresses.read(element.attr('to'))?.toString();
    if (to === undefined) this.#answer(element, addressError(element));
    else this.#pass(withAddresses(element, from, to));
  }

  #pass(stanza: Element): void {
    const work = this.#context.route(stanza);
    const wait = work && this.#inFlight.add(work);
    if (wait !== undefined) this.#hold(wait);
  }

  /** XEP-0114 §3 lets a component speak for all addresses of its domain, and for no other. */
  #checkFrom(text: string | undefined): string {
    const from = this.#context.addresses.read(text);
    if (from === undefined || from.domain !== this.#place?.domain)
      throw new StreamError('invalid-from', 'A component sends in the name of its own domain alone.');
    return from.toString();
  }

  /** Answers a stanza of the component itself. An address that is none cannot answer: the server does. */
  #answer(stanza: Element, error: StanzaError): void {
    const reply = errorReply(stanza, error);
    if (reply === undefined) return;
    const isNobody = this.#context.addresses.read(reply.attr('from')) === undefined;
    this.send(isNobody ? reply.withAttrs({ from: this.#context.domain }) : reply);
  }

  /** A flaw that a third party may have put into a stanza costs that stanza, and no more. */
  #dropped(error: StreamError, start: Element | undefined): void {
    if (this.#state !== 'attached') throw error;
    const reason = error.text === '' ? error.condition : error.text;
    const from = this.#context.addresses.read(start?.attr('from'))?.bare().toString();
    const domain = this.#context.domain;
    this.#context.events.stanzaDropped({ domain, reason, ...(from !== undefined && { from }) });
    if (start === undefined || !isStanza(start)) return;
    this.#answer(start, new StanzaError('policy-violation', error.text));
  }

  #hold(wait: Promise<void>): void {
    this.#socket.hold();
    void wait.then(() => {
      if (!this.#isOver) this.#socket.release();
    });
  }

  #report({ condition, message: reason }: StreamError): void {
    if (condition === 'system-shutdown') return;
    const domain = this.#place?.domain;
    const client = this.remoteAddress;
    this.#context.events.componentRefused({ client, reason, ...(domain !== undefined && { domain }) });
  }

  #detach(): void {
    if (this.#place === undefined) return;
    this.#place.leave(this);
    this.#context.events.componentDetached({ domain: this.#place.domain });
  }

  async #giveBack(): Promise<void> {
    for (const stanza of this.#queue.unsent) await this.#place?.giveBack(stanza);
  }
}

function addressError(stanza: Element): StanzaError {
  return stanza.attr('to') === undefined
    ? new StanzaError('bad-request', 'A stanza of a component has a "to".')
    : new StanzaError('jid-malformed');
}
