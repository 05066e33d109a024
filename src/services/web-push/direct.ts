import type { Events } from '../../observability/events.js';
import { portablePayloadBytes } from '../../web-push/encrypt.js';
import type { Sealer } from '../../web-push/sealer.js';
import type { Subscription } from '../../web-push/subscription.js';
import { retryDelay } from '../retry-delay.js';
import type { AttemptOutcome, Attempts, Letter } from './attempts.js';
import type { Lines } from './lines.js';
import type { Queue } from './queue.js';
import { Sending, senderKey, topicKey, type UnderWay } from './sending.js';
import type { PushQueueStore } from './store.js';
import type { PushMessage, PushOutcome, PushSender, SealedMessage } from './web-push.js';

/** Payloads that all push services take are filled up to a multiple of so many bytes. */
const paddedTo = 256;

/** Messages that may wait for one endpoint. */
const mostOfEndpoint = 20;

export interface DirectOptions {
  readonly store: PushQueueStore;
  readonly queue: Pick<Queue, 'isEmpty' | 'whileAdding' | 'changed'>;
  readonly attempts: Attempts;
  readonly underWay: UnderWay;
  /** Ends all. */
  readonly end: AbortSignal;
  /** By topics. */
  readonly lines: Lines;
  /** By senders. */
  readonly changes: Lines;
  readonly seal: Sealer['seal'];
  readonly maxWaiting: () => number;
  readonly now: () => number;
  readonly jitter: () => number;
  readonly events: Events;
  /** Nobody is there any more. Never rejects. */
  readonly withdraw: (endpoint: string, sender: PushSender) => Promise<void>;
}

/** A message on its first way. */
interface Given {
  readonly letter: Letter;
  readonly sending: Sending;
}

/** What of a message goes to the push service as it is. */
type Content = Pick<Letter, 'body' | 'shorter' | 'authorization'>;

const withdrawn: PushOutcome = { kind: 'retry', reason: 'withdrawn' };

/** Sends what is new at once, and puts into the queue what cannot be sent. */
export class Direct {
  readonly #options: DirectOptions;
  #isStopping = false;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  /** What comes from now on goes into the queue. */
  halt(): void {
    this.#isStopping = true;
  }

  /** As `WebPush.push`. */
  async push(
    subscription: Subscription,
    message: PushMessage | SealedMessage,
    sender: PushSender,
    signal: AbortSignal,
  ): Promise<PushOutcome> {
    const { underWay, end, now, events } = this.#options;
    const { endpoint } = subscription;
    const expiresAt = now() + message.ttl * 1_000;
    const sending = new Sending({ endpoint, topic: message.topic }, sender, false, [signal, end]);
    underWay.enter(sending);
    try {
      return await this.#inLine(sending, () => this.#try(subscription, message, sending, expiresAt));
    } catch (error) {
      events.handlerFailed({ what: 'web push', error });
      return { kind: 'retry', reason: 'internal error' };
    } finally {
      underWay.leave(sending);
    }
  }

  /** After others of its topic. */
  async #inLine({ endpoint, topic }: Sending, action: () => Promise<PushOutcome>): Promise<PushOutcome> {
    const key = topicKey(endpoint, topic);
    if (key === undefined) return action();
    return (await this.#options.lines.take(key, action)) ?? { kind: 'retry', reason: 'too many at once' };
  }

  async #try(
    subscription: Subscription,
    message: PushMessage | SealedMessage,
    sending: Sending,
    expiresAt: number,
  ): Promise<PushOutcome> {
    if (sending.isVoid) return withdrawn;
    const { endpoint, origin } = subscription;
    const { urgency, topic, notBefore } = message;
    const { service } = sending;
    const content = 'body' in message ? sealedContent(message) : await this.#seal(subscription, message);
    const letter = { endpoint, origin, service, ...content, urgency, topic, expiresAt, attempts: 0 };
    if (notBefore === undefined) return this.#send({ letter, sending });
    const wait = Math.max(0, notBefore - this.#options.now());
    return this.#store({ letter, sending }, wait, 'not before its time', undefined);
  }

  async #seal(subscription: Subscription, { payload, shorter }: PushMessage): Promise<Content> {
    const { seal } = this.#options;
    const body = await seal(subscription, payload, paddingOf(payload.length));
    let sealed: Promise<Uint8Array> | undefined;
    return {
      body,
      authorization: undefined,
      async shorter() {
        if (shorter === undefined) return undefined;
        // Not filled up: the push service does not take much.
        sealed ??= seal(subscription, shorter, 0);
        return sealed;
      },
    };
  }

  async #send(given: Given): Promise<PushOutcome> {
    const { letter, sending } = given;
    if (sending.isVoid) return withdrawn;
    if (this.#isStopping || sending.isEnded) return this.#store(given, 0, 'ended', undefined);
    const before = this.#newest(letter);
    const outcome = await this.#options.attempts.send(letter, sending);
    if (outcome === undefined) return this.#hold(given);
    if (outcome.kind === 'retry') return this.#retry(given, outcome);
    await this.#clear(given, outcome, await before);
    return outcome;
  }

  /** The one that this message replaces when it has arrived. Never rejects. */
  async #newest({ endpoint, topic }: Letter): Promise<number | undefined> {
    const { store, queue, events } = this.#options;
    if (topic === undefined || queue.isEmpty) return undefined;
    try {
      return await store.newest(endpoint, topic);
    } catch (error) {
      events.storageFailed({ what: 'web push queue', error });
      return undefined;
    }
  }

  /** What waits and is needless after such an answer goes. Never rejects. */
  async #clear(
    { letter, sending }: Given,
    outcome: AttemptOutcome,
    before: number | undefined,
  ): Promise<void> {
    const { store, queue, underWay, events, withdraw } = this.#options;
    const { endpoint, topic, origin, service } = letter;
    if (outcome.kind === 'gone') await withdraw(endpoint, sending);
    if (outcome.kind !== 'delivered' || topic === undefined || before === undefined) return;
    try {
      const count = await store.supersede(endpoint, topic, before);
      underWay.supersede(sending);
      queue.changed(sending);
      if (count > 0) events.webPushDropped({ origin, service, why: 'superseded', count });
    } catch (error) {
      events.storageFailed({ what: 'web push queue', error });
    }
  }

  /** The push service is not there, or has asked to wait. */
  #hold(given: Given): Promise<PushOutcome> {
    const { attempts } = this.#options;
    const asked = attempts.askedTime(given.letter.endpoint);
    const wait = attempts.place(given.letter);
    if (asked === 0) return this.#store(given, wait, 'push service is not reached', undefined);
    return this.#store(given, wait, 'push service has asked to wait', Math.ceil(asked / 1_000));
  }

  #retry(given: Given, outcome: Extract<AttemptOutcome, { readonly kind: 'retry' }>): Promise<PushOutcome> {
    const { reason, after } = outcome;
    const letter = { ...given.letter, attempts: 1 };
    const wait = this.#isStopping ? 0 : retryDelay(0, after, this.#options.jitter());
    return this.#store({ ...given, letter }, wait, reason, after);
  }

  /** Puts it into the queue, if it is of use for so many milliseconds at all. */
  async #store(given: Given, wait: number, reason: string, after: number | undefined): Promise<PushOutcome> {
    const { changes, events } = this.#options;
    const { letter, sending } = given;
    const notNow: PushOutcome = { kind: 'retry', reason, ...(after === undefined ? undefined : { after }) };
    const dueAt = this.#options.now() + wait;
    if (dueAt >= letter.expiresAt) return notNow;
    const shorter = await letter.shorter();
    try {
      const stored = await changes.take(senderKey(sending), async () =>
        sending.isVoid ? withdrawn : this.#add(given, shorter, dueAt, reason),
      );
      return stored ?? notNow;
    } catch (error) {
      events.storageFailed({ what: 'web push queue', error });
      return notNow;
    }
  }

  async #add(
    { letter, sending }: Given,
    shorter: Uint8Array | undefined,
    dueAt: number,
    reason: string,
  ): Promise<PushOutcome> {
    const { store, queue, underWay, events, maxWaiting } = this.#options;
    const { endpoint, origin, body, urgency, topic, authorization, expiresAt, attempts } = letter;
    const { service, reference } = sending;
    const push = {
      ...{ endpoint, origin, body, shorter, urgency, topic, authorization },
      ...{ expiresAt, dueAt, attempts, service, reference },
    };
    const bounds = { perEndpoint: mostOfEndpoint, inAll: maxWaiting() };
    const added = await queue.whileAdding(dueAt, () => store.add(push, bounds));
    if (added.kind === 'full') {
      events.webPushDropped({ origin, service, why: 'full', count: 1 });
      return { kind: 'retry', reason: 'too many wait' };
    }
    underWay.supersede(sending);
    queue.changed(sending);
    events.webPushQueued({ origin, service, reason });
    const { superseded, dropped } = added;
    if (superseded > 0) events.webPushDropped({ origin, service, why: 'superseded', count: superseded });
    if (dropped > 0) events.webPushDropped({ origin, service, why: 'too many', count: dropped });
    return { kind: 'queued', reason };
  }
}

/** It can be sent as it is, or not at all. */
function sealedContent({ body, authorization }: SealedMessage): Content {
  return { body, authorization, shorter: async () => undefined };
}

/** How many zeros hide from a push service how long a payload is, of those up to the size that each of them takes. */
function paddingOf(length: number): number {
  const filled = Math.min(Math.ceil(length / paddedTo) * paddedTo, portablePayloadBytes);
  return Math.max(0, filled - length);
}
