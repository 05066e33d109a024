import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Element } from '../xmpp/element.js';
import { ns } from '../xmpp/ns.js';
import { StreamParser } from '../xmpp/parser.js';
import { serialize } from '../xmpp/serialize.js';
import { StreamError } from '../xmpp/stream-error.js';

/** Bytes that may wait to be sent before a further stanza is refused. */
const maxUnsentBytes = 1024 * 1024;
/** Stanzas that may wait to be read while nobody takes them. */
const maxWaiting = 1_000;
/** Milliseconds that the server may take to close after we did. */
const closeTimeout = 2_000;

const streamEnd = '</stream:stream>';

/** Who takes what arrives once a stream is negotiated. */
export interface StanzaHandler {
  onStanza(stanza: Element): void;
  /** The stream is over, and this is the last call; undefined if `close` ended it. */
  onClosed(reason: Error | undefined): void;
}

interface Reader {
  resolve(element: Element): void;
  reject(reason: Error): void;
}

/**
 * A client's XML stream (RFC 6120 §4): first read one element at a time, which is how a stream is negotiated, then, from
 * `deliverTo` on, handed to somebody. Whoever makes one closes it.
 */
export class ClientStream {
  readonly #domain: string;
  #socket: Socket;
  #parser: StreamParser | undefined;
  #waiting: Element[] = [];
  #reader: Reader | undefined;
  #handler: StanzaHandler | undefined;
  #isClosing = false;
  /** Why the stream is over; undefined as long as it is not. */
  #failure: Error | undefined;

  /** Begins to connect; what is written before the connection stands waits. */
  constructor(address: { readonly host: string; readonly port: number }, domain: string) {
    this.#domain = domain;
    this.#socket = this.#listen(connectTcp({ ...address, noDelay: true }));
  }

  /** Opens the stream, at first or again, and resolves with the server's features. */
  async open(): Promise<Element> {
    this.#parser?.stop();
    this.#parser = new StreamParser({
      onOpen: () => {},
      onStanza: (stanza) => this.#received(stanza),
      onClose: () => this.fail(new Error('the server closed the stream')),
    });
    this.#socket.write(
      `<?xml version='1.0'?><stream:stream xmlns='${ns.client}' xmlns:stream='${ns.streams}' ` +
        `to='${this.#domain}' version='1.0'>`,
    );
    const features = await this.next();
    if (features.is('features', ns.streams)) return features;
    throw new Error(`the server answered with <${features.name}/> instead of its features`);
  }

  /** The next element; rejects when the stream is over. One reader at a time. */
  next(): Promise<Element> {
    const first = this.#waiting.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** Takes an element to be sent; false if the stream is over or too much waits already. */
  send(element: Element): boolean {
    if (this.#failure !== undefined || this.#isClosing) return false;
    if (this.#socket.writableLength > maxUnsentBytes) return false;
    this.#socket.write(serialize(element, ns.client));
    return true;
  }

  /** Goes on encrypted (RFC 6120 §5.4.3.3), with a server that has this certificate, in PEM, for its domain. */
  secure(certificate: string): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const secured = connectTls({ socket: plain, ca: certificate, servername: this.#domain });
    this.#socket = this.#listen(secured);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve: () => reject(new Error('the server spoke before it was encrypted')), reject };
      secured.once('secureConnect', () => {
        this.#reader = undefined;
        resolve();
      });
    });
  }

  /** From now on everything goes to the handler, what has arrived already first. */
  deliverTo(handler: StanzaHandler): void {
    this.#handler = handler;
    for (const stanza of this.#waiting.splice(0)) handler.onStanza(stanza);
    if (this.#failure !== undefined) handler.onClosed(this.#failure);
  }

  /** Ends the stream because of what the stream itself cannot know. */
  fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#parser?.stop();
    if (this.#socket.writable) this.#socket.end(streamEnd);
    this.#takeReader()?.reject(reason);
    this.#handler?.onClosed(this.#isClosing ? undefined : reason);
    this.#destroyLater();
  }

  /** Sends what waits, closes the stream and waits for the server to do the same, within a bound. */
  async close(): Promise<void> {
    if (this.#failure === undefined && !this.#isClosing) this.#socket.end(streamEnd);
    this.#isClosing = true;
    if (this.#socket.closed) return;
    this.#destroyLater();
    await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
  }

  #destroyLater(): void {
    const impatience = setTimeout(() => this.#socket.destroy(), closeTimeout);
    this.#socket.once('close', () => clearTimeout(impatience));
  }

  #listen<Kind extends Socket>(socket: Kind): Kind {
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
    return socket;
  }

  #read(bytes: Buffer): void {
    try {
      this.#parser?.write(bytes);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #received(element: Element): void {
    if (this.#failure !== undefined) return;
    if (element.is('error', ns.streams)) this.fail(StreamError.fromElement(element));
    else if (this.#handler !== undefined) this.#handler.onStanza(element);
    else if (this.#reader !== undefined) this.#takeReader()?.resolve(element);
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(element);
    else this.fail(new Error(`more than ${maxWaiting} stanzas wait to be read`));
  }

  #takeReader(): Reader | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }
}
