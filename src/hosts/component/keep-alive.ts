import type { Clock } from '../../xmpp/clock.js';

export interface KeepAliveOptions {
  readonly clock: Clock;
  /** Milliseconds of silence before a ping. */
  readonly idle: number;
  /** Milliseconds of further silence before the peer counts as dead. */
  readonly grace: number;
  readonly ping: () => void;
  readonly onDead: () => void;
}

/**
 * Watches over silence: whatever arrives counts as life. It only notes the time when something arrives, and moves
 * its one timer when that fires, because things arrive thousands of times a second.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #lastHeard = 0;
  #cancel: (() => void) | undefined;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  start(): void {
    this.stop();
    this.heard();
    this.#wait(this.#options.idle);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Something arrived. */
  heard(): void {
    this.#lastHeard = this.#options.clock.now();
  }

  #wait(delay: number): void {
    this.#cancel = this.#options.clock.after(delay, () => this.#check());
  }

  #check(): void {
    const remaining = this.#lastHeard + this.#options.idle - this.#options.clock.now();
    if (remaining > 0) this.#wait(remaining);
    else this.#ping();
  }

  #ping(): void {
    const pingedAt = this.#options.clock.now();
    this.#cancel = this.#options.clock.after(this.#options.grace, () => this.#judge(pingedAt));
    this.#options.ping();
  }

  #judge(pingedAt: number): void {
    this.#cancel = undefined;
    if (this.#lastHeard >= pingedAt) this.#check();
    else this.#options.onDead();
  }
}
