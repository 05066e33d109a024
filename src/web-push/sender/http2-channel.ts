import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { SendOutcome } from '../request.js';
import type { Channel, ChannelListener } from './channel.js';
import type { Delivery } from './delivery.js';

export interface Http2Options {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly authority: string;
  /** Requests at once. */
  readonly streams: number;
  /** Of an answer's headers. */
  readonly maxHeaderBytes: number;
  /** Milliseconds in which the service has to say what it takes. */
  readonly settingsTime: number;
}

/** Headers of an answer. */
const maxHeaderPairs = 128;
/** Megabytes that a connection may hold. */
const maxMemory = 4;

/**
 * Bytes that may come on a connection, in all and for each request: an answer with its headers, and what of a body was under way
 * when it was cancelled. Whoever sends more floods us, with frames that concern no request (RFC 9113 §10.5), or not ours.
 */
const allowance = { inAll: 512 * 1024, each: 128 * 1024 };
/** Milliseconds between two looks at what came of frames that nobody here hears of. */
const lookTime = 1_000;

const lost: SendOutcome = { kind: 'retry', reason: 'The connection was lost.', isUnreachable: false };
const refused: SendOutcome = { kind: 'retry', reason: 'The request was refused.', isUnreachable: false };

/** One HTTP/2 connection (RFC 9113). There is room once the service has said for how many requests. */
export class Http2Channel implements Channel {
  readonly #session: ClientHttp2Session;
  readonly #socket: TLSSocket;
  readonly #options: Http2Options;
  readonly #listener: ChannelListener;
  #limit = 0;
  #underWay = 0;
  #started = 0;
  #answered = 0;
  #isRetired = false;

  constructor(socket: TLSSocket, options: Http2Options, listener: ChannelListener) {
    this.#socket = socket;
    this.#options = options;
    this.#listener = listener;
    const timer = setTimeout(() => this.destroy(), options.settingsTime);
    const measure = () => this.#measure();
    const looks = setInterval(measure, lookTime);
    this.#session = connect(options.origin, {
      createConnection: () => socket,
      maxHeaderListPairs: maxHeaderPairs,
      maxSessionMemory: maxMemory,
      settings: { enablePush: false, maxHeaderListSize: options.maxHeaderBytes },
    })
      .once('remoteSettings', () => clearTimeout(timer))
      .on('remoteSettings', ({ maxConcurrentStreams = options.streams }) => {
        this.#limit = Math.min(options.streams, maxConcurrentStreams);
        listener.onRoom();
        measure();
      })
      .on('goaway', () => this.#retire(this.#answered > 0))
      // Names of other origins and places, which mean nothing here, are kept by the session.
      .on('origin', measure)
      .on('altsvc', measure)
      .on('ping', measure)
      // Its requests hear of it.
      .on('error', () => {})
      .once('close', () => {
        clearTimeout(timer);
        clearInterval(looks);
        this.#retire(this.#answered > 0);
        listener.onClosed();
      });
  }

  get hasRoom(): boolean {
    const { closed, destroyed } = this.#session;
    return this.#underWay < this.#limit && !this.#isRetired && !closed && !destroyed;
  }

  start(delivery: Delivery): void {
    this.#started += 1;
    const answeredBefore = this.#answered;
    const stream = this.#session.request({
      ':method': 'POST',
      ':scheme': 'https',
      ':authority': this.#options.authority,
      ':path': delivery.path,
      ...delivery.headers,
    });
    this.#underWay += 1;
    delivery.heldBy({
      release: (_, hasTimedOut) => {
        if (hasTimedOut) this.#suspect(answeredBefore);
        cancel(stream);
      },
    });
    stream.on('response', (headers) => {
      this.#answered += 1;
      delivery.onHead(headers[':status'] ?? 0, headers['retry-after']);
    });
    stream.on('headers', () => {
      if (!delivery.onInterim()) cancel(stream);
    });
    stream.on('data', (chunk: Buffer) => {
      if (!delivery.onBody(chunk)) cancel(stream);
    });
    // What is wrong is in its code.
    stream.on('error', () => {});
    stream.once('close', () => this.#ended(stream, delivery));
    stream.end(delivery.body);
  }

  destroy(): void {
    this.#session.destroy();
  }

  #ended(stream: ClientHttp2Stream, delivery: Delivery): void {
    this.#underWay -= 1;
    if (this.#underWay === 0 && this.#isRetired) this.#session.destroy();
    if (delivery.isAnswered) delivery.end(lost);
    else if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM)
      this.#listener.onLost(delivery, refused, true);
    else this.#listener.onLost(delivery, lost, this.#isRetired || this.#answered > 0);
    this.#listener.onRoom();
  }

  /** A request was in vain, and since it began nothing came: the connection may lead nowhere any more. */
  #suspect(answeredBefore: number): void {
    if (this.#answered === answeredBefore) this.#retire(true);
  }

  #measure(): void {
    if (this.#socket.bytesRead > allowance.inAll + allowance.each * this.#started) this.destroy();
  }

  #retire(mayReplace: boolean): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#listener.onRetired(mayReplace);
  }
}

/** Also when nothing can be written any more. */
function cancel(stream: ClientHttp2Stream): void {
  stream.close(constants.NGHTTP2_CANCEL);
  stream.destroy();
}
