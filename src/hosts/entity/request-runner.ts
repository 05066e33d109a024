import { stanzaErrorFor } from '../../errors.js';
import type { Events } from '../../observability/events.js';
import type { Element } from '../../xmpp/element.js';
import type { Jid } from '../../xmpp/jid.js';
import { errorReply, iqResult } from '../../xmpp/stanza.js';
import { StanzaError } from '../../xmpp/stanza-error.js';

export interface RequestRunnerOptions {
  readonly events: Pick<Events, 'handlerFailed'>;
  /** The most requests that may be at work at once; more are answered `resource-constraint`. */
  readonly maxUnderWay: number;
  /**
   * The most of them of one asker, whose next one waits. Servers have no such bound of their own: they ask for all their users,
   * and whoever has a server has as many askers as it likes.
   */
  readonly maxPerAsker?: number | undefined;
}

/** A request, which is an IQ or a message, and what is to be done about it. */
export interface RequestJob {
  readonly request: Element;
  /** What it is about, for the log. */
  readonly what: string;
  readonly asker: Jid;
  /** As an `IqHandler` answers: the result's payload, or a `StanzaError`; of a message there is no result. */
  readonly work: () => Element | undefined | Promise<Element | undefined>;
  readonly reply: (reply: Element) => void;
}

/**
 * Does what requests ask for, side by side and within bounds. Each IQ is answered once (RFC 6120 §8.2.3), a message only if that
 * fails.
 */
export class RequestRunner {
  readonly #options: RequestRunnerOptions;
  readonly #maxPerAsker: number;
  readonly #underWayOf = new Map<string, number>();
  /** Begins what waits, by asker. */
  readonly #waiting = new Map<string, () => void>();
  #underWay = 0;
  /** Those under way, and those of which the answer is about to go out. */
  #unanswered = 0;
  #isDraining = false;
  #drained: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(options: RequestRunnerOptions) {
    this.#options = options;
    this.#maxPerAsker = options.maxPerAsker ?? options.maxUnderWay;
  }

  /**
   * Begins with a request. If its asker has as many under way as it may, what this returns is done when it has begun; who
   * does not wait for that, and asks again, is refused.
   */
  run(job: RequestJob): void | Promise<void> {
    if (this.#isDraining) fail(job, stops());
    else if (this.#underWay >= this.#options.maxUnderWay) fail(job, new StanzaError('resource-constraint'));
    else if (isServer(job.asker) || this.#underWayFor(job.asker) < this.#maxPerAsker) this.#run(job);
    else return this.#wait(job);
  }

  /**
   * From now on, requests are refused with what has them made again later. Returns a promise if something is under way: done when
   * all that is answered.
   */
  drain(): void | Promise<void> {
    this.#isDraining = true;
    if (this.#unanswered === 0) return;
    this.#drained ??= new Promise((resolve) => {
      this.#onDrained = resolve;
    });
    return this.#drained;
  }

  #underWayFor(asker: Jid): number {
    return this.#underWayOf.get(asker.toString()) ?? 0;
  }

  #wait(job: RequestJob): void | Promise<void> {
    const asker = job.asker.toString();
    if (this.#waiting.has(asker)) return fail(job, new StanzaError('resource-constraint'));
    return new Promise((resolve) => {
      this.#waiting.set(asker, () => {
        this.#waiting.delete(asker);
        resolve(this.run(job));
      });
    });
  }

  #run(job: RequestJob): void {
    try {
      const payload = job.work();
      if (payload instanceof Promise) this.#await(payload, job);
      else succeed(job, payload);
    } catch (error) {
      this.#failed(error, job);
    }
  }

  #await(pending: Promise<Element | undefined>, job: RequestJob): void {
    this.#count(job.asker, 1);
    this.#unanswered++;
    pending
      .finally(() => this.#count(job.asker, -1))
      .then((payload) => succeed(job, payload))
      .catch((error: unknown) => this.#failed(error, job))
      .finally(() => this.#answered());
  }

  #answered(): void {
    if (--this.#unanswered === 0) this.#onDrained?.();
  }

  #count(asker: Jid, change: 1 | -1): void {
    this.#underWay += change;
    if (isServer(asker)) return;
    const now = this.#underWayFor(asker) + change;
    if (now === 0) this.#underWayOf.delete(asker.toString());
    else this.#underWayOf.set(asker.toString(), now);
    if (change === -1) this.#waiting.get(asker.toString())?.();
  }

  #failed(error: unknown, job: RequestJob): void {
    const isAnswer = error instanceof StanzaError;
    if (!isAnswer) this.#options.events.handlerFailed({ what: job.what, error });
    fail(job, isAnswer ? error : stanzaErrorFor('internal-error'));
  }
}

/** Not `resource-constraint`: Tigase goes by the condition alone, and would give up the device that it publishes for. */
function stops(): StanzaError {
  return new StanzaError('service-unavailable', 'The service is about to stop. Try again later.', 'wait');
}

function isServer({ local }: Jid): boolean {
  return local === '';
}

function succeed({ request, reply }: RequestJob, payload: Element | undefined): void {
  if (request.name === 'iq') reply(iqResult(request, payload));
}

function fail({ request, reply }: RequestJob, error: StanzaError): void {
  const answer = errorReply(request, error);
  if (answer !== undefined) reply(answer);
}
