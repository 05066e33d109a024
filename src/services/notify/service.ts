import type { AccountHost } from '../../hosts/host.js';
import type { Events } from '../../observability/events.js';
import type { Clock } from '../../xmpp/clock.js';
import { jitterOf } from '../retry-delay.js';
import type { Outcome } from './channel.js';
import { Batches } from './delivery/batching.js';
import { Deliveries } from './delivery/deliveries.js';
import { Healths } from './delivery/healths.js';
import { startEngine } from './engine.js';
import { createExtensions } from './hibernation.js';
import type { Registration } from './registrations/registration.js';
import { Registrations } from './registrations/registrations.js';
import type { NotifyStore } from './store.js';
import { Teller } from './teller.js';
import { Told } from './told.js';

export interface NotifySettings {
  /** Deliveries in a row that may be rejected before a registration rests. */
  readonly maxErrors: number;
  /** Seconds that a session waits for its client until that was told of something important. */
  readonly maxHibernationTimeout: number;
  /** Milliseconds that what comes is collected; 0: until the end of the turn. */
  readonly collectionTime: number;
}

export interface NotifyOptions {
  readonly host: AccountHost;
  readonly store: NotifyStore;
  /** Those of the moment. */
  readonly settings: () => NotifySettings;
  readonly clock: Clock;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
}

export interface Notify {
  /** Channels are added here; they enable and disable. */
  readonly registrations: Registrations;
  /**
   * Tells a device that there might be something, also one that rests; a success ends the rest. Never rejects. One that is
   * being told of much already is not told of that too: `retry`.
   */
  ping(registration: Registration): Promise<Outcome>;
  /** Takes what became of a notification that was `queued`: the registration's health, and whether its client was told. */
  settle(registration: Registration, outcome: Outcome): void;
  /**
   * Tells at once of what was collected, and clients that are silent of what they were sent; waits up to five seconds for
   * answers. What comes up later is told at once by channels that keep on disk what they cannot deliver, and by no others.
   */
  stop(): Promise<void>;
}

/** Tells the devices of accounts, by the channels that they are registered with, of what arrives while they sleep. */
export function createNotify(options: NotifyOptions): Notify {
  const { host, store, settings, clock, now, events } = options;
  const registrations = new Registrations({ store, now, events });
  const extensions = createExtensions({ host, seconds: () => settings().maxHibernationTimeout });
  const healths = new Healths({ registrations, maxErrors: () => settings().maxErrors, now, events });
  const deliveries = new Deliveries({ host, healths, clock, events });
  const batches = new Batches({
    ...{ deliveries, healths, clock, events, jitter: jitterOf(options.randomBytes) },
    collectionTime: () => settings().collectionTime,
    onTold: (registration) => extensions.end(registration),
  });
  healths.onRests((registration) => {
    batches.drop(registration, 'rests');
    extensions.end(registration);
  });
  registrations.onRemoved((registration) => {
    batches.drop(registration, 'removed');
    extensions.end(registration);
  });
  registrations.onMoved((registration, former) => {
    // The same device by another name, and it is there.
    batches.back(registration, 'begun');
    extensions.end({ account: registration.account, client: former });
  });
  const teller = new Teller({ host, registrations, batches, healths, told: new Told(), now, events });
  startEngine({ host, registrations, teller, batches, healths, extensions });

  return {
    registrations,
    ping: (registration) => batches.ping(registration),
    settle(registration, outcome) {
      batches.settle(registration, outcome);
      void healths.take(registration, registration.enabledAt, outcome);
    },
    stop() {
      // When the server ends their connections, they sleep on.
      host.takeSilentForLate();
      return batches.stop();
    },
  };
}
