import type { Clock } from '../../../xmpp/clock.js';
import type { KeyVerdict } from './context.js';
import type { DialbackElement } from './dialback.js';

/**
 * Questions about keys (XEP-0220 §2.1.2) that wait for an answer on one stream, by the ids of the streams that they are
 * about.
 */
export class KeyQuestions {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #max: number;
  readonly #open = new Map<string, (verdict: KeyVerdict) => void>();

  /** `timeout` is in milliseconds. */
  constructor(clock: Clock, timeout: number, max: number) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#max = max;
  }

  /** Calls `send` and waits; `unreachable` at once if there are too many, or there is one about that stream. */
  ask(streamId: string, send: () => void): Promise<KeyVerdict> {
    if (this.#open.size >= this.#max || this.#open.has(streamId)) return Promise.resolve('unreachable');
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#timeout, () => this.#settle(streamId, 'unreachable'));
      this.#open.set(streamId, (verdict) => {
        cancel();
        resolve(verdict);
      });
      send();
    });
  }

  /** Takes an answer; one that nobody waits for is ignored. */
  answer({ id = '', type }: DialbackElement): void {
    this.#settle(id, type === 'valid' || type === 'invalid' ? type : 'unreachable');
  }

  /** Nothing is answered any more. */
  close(): void {
    for (const streamId of [...this.#open.keys()]) this.#settle(streamId, 'unreachable');
  }

  #settle(streamId: string, verdict: KeyVerdict): void {
    const settle = this.#open.get(streamId);
    this.#open.delete(streamId);
    settle?.(verdict);
  }
}
