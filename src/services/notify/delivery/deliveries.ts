import type { AccountHost } from '../../../hosts/host.js';
import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { Notification, Outcome } from '../channel.js';
import { describe, type Registration } from '../registrations/registration.js';
import type { Healths } from './healths.js';

export interface DeliveriesOptions {
  readonly host: Pick<AccountHost, 'pendingSubscriptions'>;
  readonly healths: Pick<Healths, 'take'>;
  readonly clock: Clock;
  readonly events: Pick<Events, 'handlerFailed' | 'notificationSent'>;
}

/** What is handed to a channel; the rest of the notification is found out when it is. */
export type Message = Pick<Notification, 'level' | 'kind' | 'stanza' | 'count'>;

/**
 * How many deliveries share a signal: one each would cost more than all else that is done for a delivery, and one for all would
 * cost more with each that listens to it. Node warns of more than ten listeners.
 */
const groupSize = 8;

/** Deliveries with one signal. */
class Group {
  readonly controller = new AbortController();
  begun = 0;
  open = 0;
}

/** Hands notifications to channels, and keeps an eye on them until their outcome is known and taken. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Those of which one is under way. */
  readonly #groups = new Set<Group>();
  #newest = new Group();
  #onIdle: (() => void) | undefined;
  #isOver = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Begins a delivery. `done` is called when its outcome has changed the registration's health, on disk too; must not throw. */
  begin(registration: Registration, message: Message, done: (outcome: Outcome) => void): void {
    const group = this.#enter();
    void this.#deliver(registration, message, group.controller.signal).then((outcome) => {
      done(outcome);
      this.#leave(group);
    });
  }

  /**
   * Waits until nothing is under way any more; what is after so many milliseconds is told to end, and left alone. So is what
   * begins then.
   */
  async end(patience: number): Promise<void> {
    if (this.#groups.size === 0) return;
    const { promise, resolve } = deferred();
    this.#onIdle = resolve;
    const cancel = this.#options.clock.after(patience, resolve);
    await promise;
    cancel();
    this.#isOver = true;
    for (const { controller } of this.#groups) controller.abort();
  }

  #enter(): Group {
    if (this.#newest.begun === groupSize) this.#newest = new Group();
    const group = this.#newest;
    if (this.#isOver) group.controller.abort();
    group.begun++;
    if (group.open++ === 0) this.#groups.add(group);
    return group;
  }

  #leave(group: Group): void {
    if (--group.open > 0) return;
    this.#groups.delete(group);
    if (this.#groups.size === 0) this.#onIdle?.();
  }

  /** Never rejects. */
  async #deliver(registration: Registration, message: Message, signal: AbortSignal): Promise<Outcome> {
    const { enabledAt } = registration;
    const started = this.#options.clock.now();
    const outcome = await this.#attempt(registration, message, signal);
    this.#report(registration, message, outcome, (this.#options.clock.now() - started) / 1_000);
    const written = this.#options.healths.take(registration, enabledAt, outcome);
    if (written !== undefined) await written;
    return outcome;
  }

  /** A channel answers how it ended, whatever happens; one that throws all the same will do so again. */
  async #attempt({ account, target }: Registration, message: Message, signal: AbortSignal): Promise<Outcome> {
    try {
      const { level, kind, stanza, count } = message;
      const asked = this.#options.host.pendingSubscriptions(account);
      const pendingSubscriptions = typeof asked === 'number' ? asked : await asked;
      const notification = { account, level, kind, stanza, count, pendingSubscriptions };
      return await target.deliver(notification, signal);
    } catch (error) {
      this.#options.events.handlerFailed({ what: 'notification', error });
      return { kind: 'retry', reason: 'internal error' };
    }
  }

  #report(registration: Registration, message: Message, outcome: Outcome, seconds: number): void {
    this.#options.events.notificationSent({
      ...describe(registration),
      level: message.level,
      kind: message.kind,
      outcome: outcome.kind,
      ...(outcome.kind === 'delivered' ? undefined : { reason: outcome.reason }),
      seconds,
    });
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
