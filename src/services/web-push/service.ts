import type { Events } from '../../observability/events.js';
import type { Sender } from '../../web-push/request.js';
import type { Sealer } from '../../web-push/sealer.js';
import type { Vapid } from '../../web-push/vapid.js';
import type { Clock } from '../../xmpp/clock.js';
import { jitterOf } from '../retry-delay.js';
import { Attempts } from './attempts.js';
import { Direct } from './direct.js';
import { Lines } from './lines.js';
import { Origins } from './origins.js';
import { Queue } from './queue.js';
import { senderKey, UnderWay } from './sending.js';
import type { PushQueueStore } from './store.js';
import type { PushSender, Settled, WebPush } from './web-push.js';

export interface WebPushSettings {
  /** Messages that may wait in all. */
  readonly maxWaiting: number;
}

export interface WebPushOptions {
  readonly sender: Pick<Sender, 'send'>;
  readonly sealer: Pick<Sealer, 'seal'>;
  readonly vapid: Pick<Vapid, 'publicKey'>;
  readonly store: PushQueueStore;
  /**
   * No other process works on the store. Where others do, their clocks have to agree within seconds, and two things hold within
   * each process alone: that messages of a topic are sent one after the other, and that one which was claimed is not sent after
   * a newer one has taken its place. How many wait in all is counted once a minute.
   */
  readonly isAlone: boolean;
  /** Those of the moment. */
  readonly settings: () => WebPushSettings;
  readonly clock: Clock;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
}

export interface WebPushService extends WebPush {
  /** Begins with what waits from before. Never rejects. */
  start(): Promise<void>;
  /**
   * Takes up nothing more from the queue, and waits up to five seconds for what is under way; what is not answered then is in
   * the queue when this resolves. The sender and the store have to work until then. Never rejects.
   */
  stop(): Promise<void>;
  /** How many wait. Rejects with the store's error. */
  waiting(): Promise<number>;
}

/** Milliseconds that a stop waits for answers. */
const patience = 5_000;

/** Messages of one topic for one endpoint, and changes of what waits by one sender, that are under way at once. */
const mostOfTopic = 20;
const mostChanges = 1_000;

/** Encrypts messages and sends them to push services; what cannot be sent waits in the store and is tried again. */
export function createWebPush(options: WebPushOptions): WebPushService {
  const { store, isAlone, clock, now, events } = options;
  const jitter = jitterOf(options.randomBytes);
  const listeners = new Map<string, (settled: Settled) => void>();
  const judges = new Map<string, Parameters<WebPush['askBefore']>[1]>();
  const origins = new Origins({ clock, jitter, events });
  const attempts = new Attempts({ sender: options.sender, origins, clock, now, jitter, events });
  const underWay = new UnderWay();
  const end = new AbortController();
  const lines = new Lines(mostOfTopic);
  /** By senders: what is withdrawn is what was there before. */
  const changes = new Lines(mostChanges);
  const queue = new Queue({
    ...{ store, isAlone, attempts, origins, underWay, end: end.signal, lines, clock, now, jitter, events },
    withdraw,
    settled: (service, settled) => listeners.get(service)?.(settled),
    isWanted: async ({ service, endpoint, reference }) =>
      (await judges.get(service)?.({ endpoint, reference })) ?? true,
  });
  const direct = new Direct({
    ...{ store, queue, attempts, underWay, end: end.signal, lines, changes, now, jitter, events, withdraw },
    seal: (keys, payload, padding) => options.sealer.seal(keys, payload, padding),
    maxWaiting: () => options.settings().maxWaiting,
  });

  async function withdraw(endpoint: string | undefined, sender: PushSender): Promise<void> {
    underWay.withdraw(endpoint, sender);
    if (queue.isEmpty) return;
    try {
      const remove = () => store.withdraw(endpoint, sender);
      const count = await (changes.take(senderKey(sender), remove) ?? remove());
      // What was given back or claimed meanwhile has gone too.
      underWay.withdrawClaimed(endpoint, sender);
      queue.changed(sender);
      if (count > 0) events.webPushDropped({ service: sender.service, why: 'withdrawn', count });
    } catch (error) {
      events.storageFailed({ what: 'web push queue', error });
    }
  }

  async function begin(): Promise<void> {
    if (isAlone) await release(options);
    await queue.start();
  }

  let started: Promise<void> | undefined;
  return {
    publicKey: options.vapid.publicKey,
    push: (subscription, message, sender, signal) => direct.push(subscription, message, sender, signal),
    withdraw,
    onSettled(service, listener) {
      listeners.set(service, listener);
    },
    askBefore(service, isWanted) {
      judges.set(service, isWanted);
    },
    start() {
      started = begin();
      return started;
    },
    async stop() {
      direct.halt();
      await queue.halt();
      await started;
      const cancel = clock.after(patience, () => end.abort());
      await underWay.idle();
      cancel();
      await queue.stop();
    },
    waiting: () => store.count(),
  };
}

/** Those that were under way when the process ended; if it fails, they are due when their claim has run out. */
async function release({ store, now, events }: WebPushOptions): Promise<void> {
  try {
    await store.release(now());
  } catch (error) {
    events.storageFailed({ what: 'web push queue', error });
  }
}
