import type { Events } from '../../observability/events.js';
import type { Sender } from '../../web-push/request.js';
import type { Sealer } from '../../web-push/sealer.js';
import type { Vapid } from '../../web-push/vapid.js';
import type { Clock } from '../../xmpp/clock.js';
import type { PushQueueStore } from './store.js';
import type { WebPush } from './web-push.js';

export interface WebPushSettings {
  /** Messages that may wait in all. */
  readonly maxWaiting: number;
}

export interface WebPushOptions {
  readonly sender: Pick<Sender, 'send'>;
  readonly sealer: Pick<Sealer, 'seal'>;
  readonly vapid: Pick<Vapid, 'publicKey'>;
  readonly store: PushQueueStore;
  /** No other process works on the store. */
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
   * the queue when this resolves. The sender and the store have to work until then.
   */
  stop(): Promise<void>;
  /** How many wait; the store's error if it fails. */
  waiting(): Promise<number>;
}

/** Encrypts messages and sends them to push services; what cannot be sent waits in the store and is tried again. */
export function createWebPush(options: WebPushOptions): WebPushService {
  throw new Error(`not there yet: ${options.vapid.publicKey}`);
}
