import type { LookupFunction } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { SendOutcome } from '../request.js';
import type { Channel, ChannelListener } from './channel.js';
import type { Delivery, Holder } from './delivery.js';
import { type DialListener, dial } from './dial.js';
import { Http1Channel } from './http1-channel.js';
import { Http2Channel } from './http2-channel.js';
import type { SenderLimits } from './limits.js';

export interface OriginOptions {
  /** Scheme, host, and port if that is not 443. */
  readonly origin: string;
  readonly hostname: string;
  readonly port: number;
  readonly lookup: LookupFunction;
  readonly secureContext: SecureContext;
  readonly limits: SenderLimits;
  /** It has begun to have requests, */
  readonly onBusy: () => void;
  /** ceased to, */
  readonly onIdle: () => void;
  /** and takes no further ones. */
  readonly onClosed: () => void;
}

const maxHeaderBytes = 16_384;

const stopped: SendOutcome = { kind: 'retry', reason: 'It was stopped.', isUnreachable: false };
const crowded: SendOutcome = {
  kind: 'retry',
  reason: 'Too many wait for this push service.',
  isUnreachable: false,
};
const mute: SendOutcome = {
  kind: 'retry',
  reason: 'The connection has ended before anything was answered.',
  isUnreachable: true,
};

/** A push service, the connections to it, and the requests that wait for them, the oldest first. */
export class Origin implements Holder {
  readonly #options: OriginOptions;
  readonly #authority: string;
  readonly #waiting = new Set<Delivery>();
  readonly #channels = new Set<Channel>();
  /** The one that takes requests. */
  #current: Channel | undefined;
  #giveUpDialing: (() => void) | undefined;
  /** Requests that wait or are under way. */
  #load = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: OriginOptions) {
    this.#options = options;
    this.#authority = new URL(options.origin).host;
  }

  submit(delivery: Delivery): void {
    this.#load += 1;
    if (this.#load === 1) {
      clearTimeout(this.#idleTimer);
      this.#options.onBusy();
    }
    if (this.#current?.hasRoom === true) start(this.#current, delivery);
    else if (this.#waiting.size < this.#options.limits.waiting) this.#wait(delivery);
    else delivery.end(crowded);
  }

  /** A request takes no place any more. */
  finished(): void {
    this.#load -= 1;
    if (this.#load > 0 || this.#isClosed) return;
    this.#idleTimer = setTimeout(() => this.close(), this.#options.limits.idleTime);
    this.#options.onIdle();
    this.#closeIfUnused();
  }

  /** One that waits is not to be sent any more. */
  release(delivery: Delivery): void {
    if (this.#waiting.delete(delivery)) delivery.finish();
  }

  /** Ends its connections, and what waits or is under way, as `retry`; for good. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    this.#giveUpDialing?.();
    this.#failWaiting(stopped);
    for (const channel of this.#channels) channel.destroy();
    this.#options.onClosed();
  }

  #wait(delivery: Delivery): void {
    this.#waiting.add(delivery);
    delivery.heldBy(this);
    this.#connect();
  }

  #connect(): void {
    if (this.#current !== undefined || this.#giveUpDialing !== undefined) return;
    this.#giveUpDialing = this.#dial(['h2', 'http/1.1'], {
      onConnect: (socket) => {
        this.#giveUpDialing = undefined;
        this.#open(socket);
      },
      onFailure: (outcome) => {
        this.#giveUpDialing = undefined;
        this.#failWaiting(outcome);
      },
    });
  }

  #dial(protocols: readonly string[], listener: DialListener): () => void {
    const { lookup, secureContext, limits } = this.#options;
    return dial(
      this.#options,
      protocols,
      { lookup, secureContext, connectTime: limits.connectTime },
      listener,
    );
  }

  #open(socket: TLSSocket): void {
    const channel: Channel = this.#channelOn(socket, {
      onRoom: () => this.#pump(),
      onRetired: (mayReplace) => {
        if (this.#current === channel) this.#current = undefined;
        if (!mayReplace) this.#failWaiting(mute);
        this.#pump();
      },
      onClosed: () => {
        this.#channels.delete(channel);
        this.#closeIfUnused();
      },
      onLost: (delivery, outcome, mayRepeat) => this.#lost(delivery, outcome, mayRepeat),
    });
    this.#channels.add(channel);
    this.#current = channel;
    this.#pump();
  }

  #channelOn(socket: TLSSocket, listener: ChannelListener): Channel {
    const { origin, limits } = this.#options;
    const common = { authority: this.#authority, maxHeaderBytes };
    if (socket.alpnProtocol === 'h2') {
      const { streams, connectTime } = limits;
      return new Http2Channel(socket, { ...common, origin, streams, settingsTime: connectTime }, listener);
    }
    const { connections, idleTime } = limits;
    const dialMore = (dialListener: DialListener) => this.#dial(['http/1.1'], dialListener);
    return new Http1Channel(socket, { ...common, connections, idleTime, dial: dialMore }, listener);
  }

  #lost(delivery: Delivery, outcome: SendOutcome, mayRepeat: boolean): void {
    if (!mayRepeat || delivery.isRepeated || delivery.isSettled || this.#isClosed) {
      delivery.end(outcome);
      return;
    }
    delivery.isRepeated = true;
    this.#wait(delivery);
  }

  #pump(): void {
    for (const delivery of this.#waiting) {
      if (this.#current?.hasRoom !== true) break;
      this.#waiting.delete(delivery);
      start(this.#current, delivery);
    }
    if (this.#waiting.size > 0) this.#connect();
  }

  #failWaiting(outcome: SendOutcome): void {
    for (const delivery of this.#waiting) {
      this.#waiting.delete(delivery);
      delivery.end(outcome);
    }
  }

  #closeIfUnused(): void {
    const isUnused = this.#current === undefined && this.#giveUpDialing === undefined;
    if (isUnused && this.#load === 0 && this.#channels.size === 0) this.close();
  }
}

/** Headers that HTTP does not know are no reason to fall. */
function start(channel: Channel, delivery: Delivery): void {
  try {
    channel.start(delivery);
  } catch {
    delivery.end({ kind: 'rejected', reason: 'It is no request that can be sent.' });
  }
}
