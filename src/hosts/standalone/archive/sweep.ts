import type { Events } from '../../../observability/events.js';
import type { Clock } from '../../../xmpp/clock.js';
import type { StandaloneSettings } from '../settings.js';
import type { ArchiveStore } from '../store.js';

interface ArchiveSweeperOptions {
  readonly store: Pick<ArchiveStore, 'expire'>;
  readonly settings: Pick<StandaloneSettings, 'archive'>;
  readonly events: Pick<Events, 'swept' | 'storageFailed'>;
  readonly clock: Clock;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Milliseconds from the end of one sweep to the next. */
const interval = 3_600_000;
/** Messages that are removed at once, in some milliseconds, and how long others have the database for themselves then. */
const step = 500;
const pause = 50;

/** Removes messages that are older than an operator wants, at the start and every hour. */
export class ArchiveSweeper {
  readonly #options: ArchiveSweeperOptions;
  #isStopped = false;
  /** Ends the wait that is under way. */
  #wake: (() => void) | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: ArchiveSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#work = this.#run();
  }

  /** Done when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake?.();
    await this.#work;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#sweep();
      await this.#wait(interval);
    }
  }

  async #sweep(): Promise<void> {
    const { events } = this.#options;
    let rows = 0;
    try {
      while (!this.#isStopped) {
        const went = await this.#expire();
        rows += went;
        if (went < step) break;
        await this.#wait(pause);
      }
    } catch (error) {
      events.storageFailed({ what: 'sweep of archive', error });
    }
    if (rows > 0) events.swept({ what: 'archive', rows });
  }

  async #expire(): Promise<number> {
    const { store, settings, now } = this.#options;
    const { expiresAfter } = settings.archive;
    if (expiresAfter === 0) return 0;
    const oldest = now() - expiresAfter * 1000;
    return oldest <= 0 ? 0 : store.expire(Math.floor(oldest) * 1000, step);
  }

  #wait(delay: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(delay, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
