import { stanzaErrorFor } from '../../errors.js';
import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import { errorReply, iqResult } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';

export interface IqRunnerOptions {
  readonly events: Pick<Events, 'handlerFailed'>;
  /** The most requests that may be at work at once; more are answered `resource-constraint`. */
  readonly maxUnderWay: number;
  /** The most of them of one asker, whose next one waits. */
  readonly maxPerAsker?: number | undefined;
}

/** An IQ request and what is to be done about it. */
export interface IqJob {
  readonly request: Element;
  /** What it is about, for the log: type, name and namespace. */
  readonly what: string;
  /** Who asks, as text. */
  readonly asker: string;
  /** As an `IqHandler` answers: the result's payload, or a `StanzaError`. */
  readonly work: () => Element | undefined | Promise<Element | undefined>;
  readonly reply: (reply: Element) => void;
}

/** Does what requests ask for, side by side and within bounds, and answers each of them once (RFC 6120 §8.2.3). */
export class IqRunner {
  readonly #options: IqRunnerOptions;
  readonly #maxPerAsker: number;
  readonly #underWayOf = new Map<string, number>();
  /** Begins what waits, by asker. */
  readonly #waiting = new Map<string, () => void>();
  #underWay = 0;

  constructor(options: IqRunnerOptions) {
    this.#options = options;
    this.#maxPerAsker = options.maxPerAsker ?? options.maxUnderWay;
  }

  /**
   * Begins with a request. If its asker has as many under way as it may, what this returns is done when it has begun; who
   * does not wait for that, and asks again, is refused.
   */
  run(job: IqJob): void | Promise<void> {
    if (this.#underWay >= this.#options.maxUnderWay) fail(job, new StanzaError('resource-constraint'));
    else if ((this.#underWayOf.get(job.asker) ?? 0) < this.#maxPerAsker) this.#run(job);
    else return this.#wait(job);
  }

  #wait(job: IqJob): void | Promise<void> {
    if (this.#waiting.has(job.asker)) return fail(job, new StanzaError('resource-constraint'));
    return new Promise((resolve) => {
      this.#waiting.set(job.asker, () => {
        this.#waiting.delete(job.asker);
        resolve(this.run(job));
      });
    });
  }

  #run(job: IqJob): void {
    try {
      const payload = job.work();
      if (payload instanceof Promise) this.#await(payload, job);
      else job.reply(iqResult(job.request, payload));
    } catch (error) {
      this.#failed(error, job);
    }
  }

  #await(pending: Promise<Element | undefined>, job: IqJob): void {
    this.#count(job.asker, 1);
    pending
      .finally(() => this.#count(job.asker, -1))
      .then((payload) => job.reply(iqResult(job.request, payload)))
      .catch((error: unknown) => this.#failed(error, job));
  }

  #count(asker: string, change: 1 | -1): void {
    this.#underWay += change;
    const now = (this.#underWayOf.get(asker) ?? 0) + change;
    if (now === 0) this.#underWayOf.delete(asker);
    else this.#underWayOf.set(asker, now);
    if (change === -1) this.#waiting.get(asker)?.();
  }

  #failed(error: unknown, job: IqJob): void {
    const isAnswer = error instanceof StanzaError;
    if (!isAnswer) this.#options.events.handlerFailed({ what: `IQ ${job.what}`, error });
    fail(job, isAnswer ? error : stanzaErrorFor('internal-error'));
  }
}

function fail({ request, reply }: IqJob, error: StanzaError): void {
  const answer = errorReply(request, error);
  if (answer !== undefined) reply(answer);
}
