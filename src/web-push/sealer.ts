import { type Agreement, createAgree } from './agreement.js';
import { type AgreementThread, AgreementWorker } from './agreement-worker.js';
import { assertEncryptable, encryptWith } from './encrypt.js';
import type { SubscriptionKeys } from './subscription.js';

/** Encrypts messages, on other threads where that is faster. */
export interface Sealer {
  /**
   * Encrypts a payload for a user agent (RFC 8291), with so many zeros after it (none if it is left out), together at most 3,993
   * bytes; rejects with what `encrypt` throws.
   */
  seal(keys: SubscriptionKeys, payload: Uint8Array, padding?: number): Promise<Uint8Array>;
  /** Ends the threads. What waits is encrypted without them, and so is what comes later: nothing is lost. */
  stop(): Promise<void>;
}

export interface SealerOptions {
  /** How many threads there may be, each of some 10 MB; 0: all is done where it is called for. */
  readonly workers: number;
  /** Threads of another kind, for tests. */
  readonly startWorker?: () => AgreementThread;
}

/**
 * That many at once are done here. A batch that is handed over costs this thread 50 µs and all threads together 100 µs, against
 * 180 µs for an agreement that is made here: from four on it is made up for.
 */
const few = 4;

/** How many agreements a worker makes at a time: some 3 ms of work. */
const batchSize = 16;

/** One to work on, and one that it finds when that is done and this thread is busy. */
const maxBatches = 2;

/** As many may wait for workers; what comes then is done here, which holds up whoever calls. */
const maxWaiting = 1000;

/** After so many workers have ended by themselves, without any work done between, there are no more of them. */
const maxFailures = 3;

export function createSealer(options: SealerOptions): Sealer {
  return new ThreadedSealer(options);
}

interface Job {
  readonly keys: SubscriptionKeys;
  readonly payload: Uint8Array;
  readonly padding: number;
  resolve(body: Uint8Array): void;
  reject(error: unknown): void;
}

class ThreadedSealer implements Sealer {
  readonly #agree = createAgree();
  readonly #startWorker: () => AgreementThread;
  readonly #workers = new Set<AgreementThread>();
  #maxWorkers: number;
  #failures = 0;
  #waiting: Job[] = [];
  #isFlushDue = false;

  constructor({ workers, startWorker = () => new AgreementWorker() }: SealerOptions) {
    this.#maxWorkers = workers;
    this.#startWorker = startWorker;
  }

  async seal(keys: SubscriptionKeys, payload: Uint8Array, padding = 0): Promise<Uint8Array> {
    assertEncryptable(keys, payload.length + padding);
    if (this.#maxWorkers === 0 || this.#waiting.length >= maxWaiting) {
      return encryptWith(this.#agree(keys.p256dh), keys, payload, padding);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, payload, padding, resolve, reject });
      this.#flushSoon();
    });
  }

  async stop(): Promise<void> {
    this.#maxWorkers = 0;
    const workers = [...this.#workers];
    this.#workers.clear();
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  /** When all that has arrived by now has asked: then it is known whether that is much. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  /** While all workers are busy, what waits is taken up when one of them has answered. */
  #flush(): void {
    while (this.#waiting.length > few && this.#maxWorkers > 0) {
      const worker = this.#freeWorker();
      if (worker === undefined && this.#workers.size > 0) return;
      if (worker === undefined) break;
      this.#handOver(this.#waiting.splice(0, batchSize), worker);
    }
    for (const job of this.#waiting.splice(0)) this.#finish(job, undefined);
  }

  /** That which has least to do; a new one if all have enough. */
  #freeWorker(): AgreementThread | undefined {
    const idlest = [...this.#workers].reduce<AgreementThread | undefined>(
      (least, worker) => (least !== undefined && least.underWay <= worker.underWay ? least : worker),
      undefined,
    );
    if (idlest !== undefined && idlest.underWay < maxBatches) return idlest;
    return this.#workers.size < this.#maxWorkers ? this.#addWorker() : undefined;
  }

  /** Undefined if there can be none now. */
  #addWorker(): AgreementThread | undefined {
    try {
      const worker = this.#startWorker();
      this.#workers.add(worker);
      return worker;
    } catch {
      this.#countFailure();
      return undefined;
    }
  }

  #handOver(jobs: readonly Job[], worker: AgreementThread): void {
    worker.agree(jobs.map((job) => job.keys.p256dh)).then(
      (agreements) => {
        this.#failures = 0;
        for (const [i, job] of jobs.entries()) this.#finish(job, agreements[i]);
        this.#flush();
      },
      () => this.#takeBack(jobs, worker),
    );
  }

  /** The worker is no more. */
  #takeBack(jobs: readonly Job[], worker: AgreementThread): void {
    if (this.#workers.delete(worker)) this.#countFailure();
    this.#waiting.unshift(...jobs);
    this.#flushSoon();
  }

  #countFailure(): void {
    this.#failures++;
    if (this.#failures >= maxFailures) this.#maxWorkers = 0;
  }

  #finish(job: Job, agreement: Agreement | undefined): void {
    try {
      const { keys, payload, padding } = job;
      job.resolve(encryptWith(agreement ?? this.#agree(keys.p256dh), keys, payload, padding));
    } catch (error) {
      job.reject(error);
    }
  }
}
