import type { Events } from '../../../observability/events.js';
import type { Outcome } from '../channel.js';
import { describe, isResting, type Registration } from '../registrations/registration.js';
import type { Registrations } from '../registrations/registrations.js';
import type { Health } from '../store.js';
import { healthAfter } from './error-policy.js';

export interface HealthsOptions {
  readonly registrations: Pick<Registrations, 'remove' | 'setHealth'>;
  readonly maxErrors: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly events: Pick<Events, 'deviceRests' | 'deviceActiveAgain'>;
}

interface Ahead {
  readonly health: Health;
  /** Which enabling of the registration it is of: another one begins anew. */
  readonly enabledAt: number;
}

/**
 * How deliveries to registrations go. Registrations say what is on disk; of those that are being written this is ahead of it,
 * so that each of several answers at once counts.
 */
export class Healths {
  readonly #options: HealthsOptions;
  /** By the key of the registration. Who waits for an answer to be taken keeps this small. */
  readonly #ahead = new Map<string, Ahead>();
  readonly #listeners: ((registration: Registration) => void)[] = [];

  constructor(options: HealthsOptions) {
    this.#options = options;
  }

  /** Called when a registration has begun to rest, or was tried meanwhile and rests on; must not throw. */
  onRests(listener: (registration: Registration) => void): void {
    this.#listeners.push(listener);
  }

  of(registration: Registration): Health {
    if (this.#ahead.size === 0) return registration;
    const ahead = this.#ahead.get(registration.key);
    return ahead?.enabledAt === registration.enabledAt ? ahead.health : registration;
  }

  /**
   * Takes what a delivery led to, which began when `enabledAt` was the registration's: to one that was enabled anew since then
   * it means nothing. Resolves when that is on disk, and never rejects; undefined if there is nothing to write.
   */
  take(registration: Registration, enabledAt: number, outcome: Outcome): Promise<void> | undefined {
    if (registration.enabledAt !== enabledAt) return undefined;
    if (outcome.kind === 'gone') return this.#options.registrations.remove(registration, 'gone');
    const before = this.of(registration);
    const after = healthAfter(before, outcome, this.#options.maxErrors(), this.#options.now());
    if (after === before) return undefined;
    const written = this.#write(registration, { health: after, enabledAt });
    this.#tell(registration, before, after, outcome);
    return written;
  }

  async #write(registration: Registration, ahead: Ahead): Promise<void> {
    const { key } = registration;
    this.#ahead.set(key, ahead);
    await this.#options.registrations.setHealth(registration, ahead.health);
    if (this.#ahead.get(key) === ahead) this.#ahead.delete(key);
  }

  #tell(registration: Registration, before: Health, after: Health, outcome: Outcome): void {
    const device = describe(registration);
    if (isResting(before) && !isResting(after)) this.#options.events.deviceActiveAgain(device);
    if (!isResting(after)) return;
    if (!isResting(before)) {
      const reason = outcome.kind === 'delivered' ? '' : outcome.reason;
      this.#options.events.deviceRests({ ...device, failures: after.failures, reason });
    }
    for (const listener of this.#listeners) listener(registration);
  }
}
