import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Element } from '../../../xmpp/element.js';
import type { Jid } from '../../../xmpp/jid.js';
import { errorReply } from '../../../xmpp/stanza.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import type { Connect } from './connecting.js';
import {
  type DomainPair,
  type KeyVerdict,
  pairKey,
  type StanzaStream,
  type StreamFailure,
} from './context.js';
import { RemoteQueue, type RemoteQueueLimits, shuttingDown } from './remote-queue.js';
import { lost } from './stream-failure.js';

/** Bounds of what goes to other servers. */
export interface OutboundLimits extends RemoteQueueLimits {
  /** Pairs of domains that are known: with a connection, with stanzas that wait, or with a failure. */
  readonly pairs: number;
  /** Milliseconds that what waits may take to be sent when the server stops. */
  readonly drain: number;
}

export interface OutboundOptions {
  readonly connect: Connect;
  readonly mayTalk: (domain: string) => boolean;
  readonly address: (text: string) => Jid | undefined;
  /** Takes errors for our senders. */
  readonly route: (stanza: Element) => void | Promise<void>;
  readonly events: Pick<Events, 'serverUnreachable' | 'stanzaDropped'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: OutboundLimits;
}

const notAllowed: StreamFailure = {
  condition: 'not-allowed',
  reason: 'This server does not talk with that one.',
  isFinal: true,
};

const tooManyServers: StreamFailure = {
  condition: 'resource-constraint',
  reason: 'Too many servers are being connected to.',
  isFinal: true,
};

/** Everything that goes to other servers: a queue for each pair of domains, made when the first stanza is for it. */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #queues = new Map<string, RemoteQueue>();
  #isStopped = false;
  #onStopped: (() => void) | undefined;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /** Takes a stanza with valid, prepared addresses, of which `from` is of this server and `to` is not. */
  send(stanza: Element): void {
    const pair = this.#pairOf(stanza);
    if (pair === undefined) return;
    const mayTalk = this.#options.mayTalk(pair.remote);
    const queue = mayTalk ? this.#queueOf(pair, stanza) : undefined;
    if (queue !== undefined) queue.send(stanza);
    else if (!mayTalk) this.#giveBack(stanza, notAllowed);
    else this.#giveBack(stanza, this.#isStopped ? shuttingDown : tooManyServers);
  }

  /** Asks over the connection that is there; undefined if there is none. */
  verify(pair: DomainPair, streamId: string, key: string): Promise<KeyVerdict> | undefined {
    return this.#queues.get(pairKey(pair))?.verify(streamId, key);
  }

  /** As `S2sContext.onBidi`. */
  offer(pair: DomainPair, stream: StanzaStream): void {
    this.#queueOf(pair)?.offer(stream);
  }

  /** As `S2sContext.offBidi`. */
  withdraw(pair: DomainPair, stream: StanzaStream): void {
    const id = pairKey(pair);
    const isOfPair = (stanza: Element) => {
      const own = this.#pairOf(stanza);
      return own !== undefined && pairKey(own) === id;
    };
    const unsent = stream.unsent.filter(isOfPair);
    if (this.#queues.get(id)?.withdraw(stream, unsent) === true) return;
    for (const stanza of unsent) this.#giveBack(stanza, lost);
  }

  /** The server of that domain has shown that it is there. */
  forgive(domain: string): void {
    for (const [id, queue] of this.#queues) if (id.endsWith(` ${domain}`)) queue.forgive();
  }

  /** The operator's rules have changed: ends what they forbid. */
  obey(): void {
    for (const [id, queue] of this.#queues) {
      if (this.#options.mayTalk(queue.pair.remote)) queue.obey();
      else this.#giveUp(id, queue, notAllowed);
    }
  }

  /** Sends what waits, within a bound, and ends all connections. What is not sent goes back. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const { clock, limits } = this.#options;
    for (const queue of this.#queues.values()) queue.stop();
    if (this.#queues.size === 0) return;
    const cancel = clock.after(limits.drain, () => {
      for (const queue of this.#queues.values()) queue.abandon();
    });
    await new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
    cancel();
  }

  #pairOf(stanza: Element): DomainPair | undefined {
    const { address } = this.#options;
    const from = address(stanza.attr('from') ?? '');
    const to = address(stanza.attr('to') ?? '');
    return from && to && { local: from.domain, remote: to.domain };
  }

  #senderOf(stanza: Element): string {
    return (
      this.#options
        .address(stanza.attr('from') ?? '')
        ?.bare()
        .toString() ?? ''
    );
  }

  /** Undefined if there are too many of which none can be done without. */
  #queueOf(pair: DomainPair, first?: Element): RemoteQueue | undefined {
    const id = pairKey(pair);
    const known = this.#queues.get(id);
    if (known !== undefined || this.#isStopped) return known;
    const opener = first === undefined ? pair.local : this.#senderOf(first);
    if (this.#queues.size >= this.#options.limits.pairs && !this.#makeRoom(opener)) return undefined;
    const queue = new RemoteQueue({
      ...this.#options,
      pair,
      opener,
      giveBack: (stanza, failure) => this.#giveBack(stanza, failure),
      onStopped: () => this.#stopped(id, queue),
    });
    this.#queues.set(id, queue);
    return queue;
  }

  /** Gives up what is needed least, and of that what was not used for the longest time. */
  #makeRoom(opener: string): boolean {
    const [first, ...others] = [...this.#queues].filter(([, { need }]) => need < 3);
    const least = first && others.reduce((one, other) => (isLess(other[1], one[1]) ? other : one), first);
    const [id, queue] = least ?? this.#ofTheBusiest(opener) ?? [];
    if (id === undefined || queue === undefined) return false;
    this.#giveUp(id, queue, tooManyServers);
    return true;
  }

  /** The first queue of whoever has opened most, so that one who writes to many servers keeps nobody else from his. */
  #ofTheBusiest(than: string): [string, RemoteQueue] | undefined {
    const byOpener = new Map<string, [string, RemoteQueue][]>();
    for (const entry of this.#queues) {
      const queues = byOpener.get(entry[1].opener);
      if (queues === undefined) byOpener.set(entry[1].opener, [entry]);
      else queues.push(entry);
    }
    let busiest = byOpener.get(than) ?? [];
    for (const queues of byOpener.values()) if (queues.length > busiest.length) busiest = queues;
    return busiest === byOpener.get(than) ? undefined : busiest[0];
  }

  #giveUp(id: string, queue: RemoteQueue, failure: StreamFailure): void {
    this.#queues.delete(id);
    queue.stop();
    queue.abandon(failure);
  }

  #stopped(id: string, queue: RemoteQueue): void {
    if (this.#queues.get(id) === queue) this.#queues.delete(id);
    if (this.#isStopped && this.#queues.size === 0) this.#onStopped?.();
  }

  /** Nobody waits for an answer to presence. */
  #giveBack(stanza: Element, { condition, reason }: StreamFailure): void {
    if (stanza.name === 'presence') return;
    const reply = errorReply(stanza, new StanzaError(condition, reason));
    if (reply !== undefined) void this.#options.route(reply);
  }
}

function isLess(one: RemoteQueue, other: RemoteQueue): boolean {
  return one.need < other.need || (one.need === other.need && one.lastUse < other.lastUse);
}
