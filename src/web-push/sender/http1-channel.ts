import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { SendOutcome } from '../request.js';
import type { Channel, ChannelListener } from './channel.js';
import type { Delivery } from './delivery.js';
import type { DialListener } from './dial.js';

export interface Http1Options {
  readonly authority: string;
  /** At once. */
  readonly connections: number;
  /** Milliseconds after which a connection that nobody uses is closed. */
  readonly idleTime: number;
  /** Of an answer's headers. */
  readonly maxHeaderBytes: number;
  /** Makes a further connection; the function it returns gives up. */
  readonly dial: (listener: DialListener) => () => void;
}

const lost: SendOutcome = { kind: 'retry', reason: 'The connection was lost.', isUnreachable: false };

/** Why there is no further connection. */
class DialError extends Error {
  readonly outcome: SendOutcome;

  constructor(outcome: SendOutcome) {
    super('no connection');
    this.outcome = outcome;
  }
}

/** Connections of HTTP/1.1 (RFC 9112), which are kept and made as they are needed. */
export class Http1Channel implements Channel {
  readonly #agent: DialingAgent;
  readonly #options: Http1Options;
  readonly #listener: ChannelListener;
  #underWay = 0;
  #isDestroyed = false;

  constructor(socket: TLSSocket, options: Http1Options, listener: ChannelListener) {
    this.#options = options;
    this.#listener = listener;
    this.#agent = new DialingAgent(socket, options);
  }

  get hasRoom(): boolean {
    return this.#underWay < this.#options.connections && !this.#isDestroyed;
  }

  start(delivery: Delivery): void {
    const sent = request({
      agent: this.#agent,
      method: 'POST',
      path: delivery.path,
      headers: { host: this.#options.authority, ...delivery.headers },
      maxHeaderSize: this.#options.maxHeaderBytes,
    });
    let outcome = lost;
    this.#underWay += 1;
    delivery.heldBy({ release: () => sent.destroy() });
    sent.on('information', () => {
      if (!delivery.onInterim()) sent.destroy();
    });
    sent.on('response', (answer) => read(answer, sent, delivery));
    sent.on('error', (error) => {
      if (error instanceof DialError) outcome = error.outcome;
    });
    sent.once('close', () => this.#ended(sent, delivery, outcome));
    sent.end(delivery.body);
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#agent.destroy();
    this.#listener.onRetired(true);
    this.#listener.onClosed();
  }

  #ended(sent: ClientRequest, delivery: Delivery, outcome: SendOutcome): void {
    this.#underWay -= 1;
    if (delivery.isAnswered) delivery.end(outcome);
    else this.#listener.onLost(delivery, outcome, sent.reusedSocket);
    // The connection is free for the next one a moment after its request has closed.
    process.nextTick(this.#listener.onRoom);
  }
}

function read(answer: IncomingMessage, sent: ClientRequest, delivery: Delivery): void {
  delivery.onHead(answer.statusCode ?? 0, answer.headers['retry-after']);
  answer.on('data', (chunk: Buffer) => {
    if (!delivery.onBody(chunk)) sent.destroy();
  });
  // Its request hears of it.
  answer.on('error', () => {});
}

type OnSocket = (error: Error | null, socket: Duplex) => void;

/** Keeps connections, the first of which was made before. */
class DialingAgent extends Agent {
  #first: TLSSocket | undefined;
  readonly #dial: Http1Options['dial'];
  /** What gives up those that are being made. */
  readonly #dialing = new Set<() => void>();

  constructor(first: TLSSocket, { connections, idleTime, dial }: Http1Options) {
    super({ keepAlive: true, maxSockets: connections, timeout: idleTime });
    this.#first = first;
    this.#dial = dial;
  }

  /** Called by `node:http` when there is no connection that a request could use. */
  override createConnection(_options: unknown, onSocket: OnSocket = () => {}): Duplex | undefined {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && !first.destroyed) return first;
    this.#dialMore(onSocket);
    return undefined;
  }

  #dialMore(onSocket: OnSocket): void {
    const onFailure = (outcome: SendOutcome) => {
      this.#dialing.delete(giveUp);
      // There has to be one, but with an error it is not looked at.
      onSocket(new DialError(outcome), new Socket());
    };
    const abandon = this.#dial({
      onConnect: (socket) => {
        this.#dialing.delete(giveUp);
        onSocket(null, socket);
      },
      onFailure,
    });
    const giveUp = () => {
      abandon();
      onFailure(lost);
    };
    this.#dialing.add(giveUp);
  }

  /** What comes while nobody asks answers nothing, and might pass for an answer to the next one. */
  override keepSocketAlive(socket: Duplex): unknown {
    const isKept: unknown = super.keepSocketAlive(socket);
    socket.once('data', cut);
    return isKept;
  }

  override reuseSocket(socket: Duplex, sent: ClientRequest): void {
    socket.off('data', cut);
    super.reuseSocket(socket, sent);
  }

  override destroy(): void {
    for (const giveUp of this.#dialing) giveUp();
    this.#first?.destroy();
    super.destroy();
  }
}

function cut(this: Duplex): void {
  this.destroy();
}
