import type { PushOutcome } from '../../src/services/web-push/web-push.js';
import type { SendOutcome } from '../../src/web-push/request.js';
import { FakeClock } from './fake-clock.js';
import { MemoryPushQueue } from './memory-push-queue.js';
import { scriptedPushQueue } from './scripted-push-queue.js';
import {
  calm,
  dawn,
  delivered,
  message,
  type Sent,
  sealed,
  subscription,
  webPushStage,
} from './web-push-stage.js';

const endpoints = [
  subscription('a', 'https://one.example'),
  subscription('b', 'https://one.example'),
  subscription('c', 'https://two.example'),
] as const;
const topics = [undefined, 'romance', 'war'] as const;
const senders = ['romeo', 'benvolio'] as const;

/** What happens; `by`: in which process, if there are several. */
export type Step =
  | {
      readonly kind: 'push';
      readonly by: number;
      readonly to: number;
      readonly topic: number;
      readonly sender: number;
      /** Milliseconds before which it is not to be sent. */
      readonly later: number | undefined;
      readonly isSealed: boolean;
    }
  | { readonly kind: 'withdraw'; readonly by: number; readonly to: number; readonly sender: number }
  | { readonly kind: 'pass'; readonly milliseconds: number }
  | { readonly kind: 'kill'; readonly by: number };

type PushStep = Extract<Step, { kind: 'push' }>;

/** One that was pushed, and what became of it. */
export interface Fate {
  readonly text: string;
  readonly number: number;
  readonly endpoint: string;
  readonly topic: string | undefined;
  readonly reference: string;
  /** Milliseconds since the clock began. */
  readonly notBefore: number;
  /** Those of its topic that had not been answered when it was pushed: which of them is newer nobody can say. */
  readonly beside: ReadonlySet<Fate>;
  outcome: PushOutcome | undefined;
  /** Requests that were begun, and those that were answered for good. */
  readonly begun: number[];
  final: number;
  isUnwanted: boolean;
  /** It is not to be begun after that many events. */
  withdrawnAt: number | undefined;
}

/** What one or several processes do that work on one store, and what comes of it. */
export class World {
  readonly clock = new FakeClock();
  readonly memory = new MemoryPushQueue();
  readonly fates = new Map<string, Fate>();
  readonly deliveries: Fate[] = [];
  /** Those that were sent before their time. */
  readonly early: Fate[] = [];
  /** How the next requests end, then all are taken. */
  readonly answers: { readonly outcome: SendOutcome; readonly delay: number }[];
  /** Turns of the event loop that each call of the store takes; over and over. */
  readonly #delays: readonly number[];
  /** How calls of the store end: 1 fails before it is done, 2 after; then all succeed. */
  readonly #failures: number[];
  /** Endpoints and senders of which is withdrawn what waits, at this moment. */
  readonly #withdrawals = new Set<Pick<Fate, 'endpoint' | 'reference'>>();
  #calls = 0;
  #events = 0;
  readonly #isAlone: boolean;
  readonly #stages: ReturnType<World['open']>[];

  constructor({
    answers,
    delays,
    failures,
    processes = 1,
  }: { answers: World['answers']; delays: number[]; failures: number[]; processes?: number }) {
    this.answers = [...answers];
    this.#delays = delays;
    this.#failures = [...failures];
    this.#isAlone = processes === 1;
    this.#stages = Array.from({ length: processes }, () => this.open());
  }

  /** The first process, or that one. */
  stage(by = 0): ReturnType<World['open']> {
    const stage = this.#stages[by % this.#stages.length];
    if (stage === undefined) throw new Error('there are no processes');
    return stage;
  }

  /** What went wrong inside of any process. */
  get problems(): readonly unknown[] {
    return this.#stages.flatMap(({ recorded }) => recorded.filter(({ name }) => name === 'handlerFailed'));
  }

  /** Begins a process. */
  open() {
    let isDead = false;
    const wait = async (turns: number) => {
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      // A process that was killed does nothing more.
      if (isDead) await new Promise(() => undefined);
    };
    const fail = (code: number) => {
      if (this.#failures[0] === code) throw new Error('the store fails');
    };
    const store = scriptedPushQueue(this.memory, {
      before: async () => {
        await wait(this.#delay());
        fail(1);
      },
      after: async () => {
        await wait(this.#delay());
        const failure = this.#failures.shift();
        if (failure === 2) throw new Error('the store fails');
      },
    });
    const stage = webPushStage({ store, clock: this.clock, isAlone: this.#isAlone });
    stage.answer = (sent) => (isDead ? new Promise(() => undefined) : this.#answer(sent));
    const kill = () => {
      isDead = true;
    };
    return Object.assign(stage, { kill });
  }

  #delay(): number {
    return this.#delays[this.#calls++ % Math.max(1, this.#delays.length)] ?? 0;
  }

  async #answer({ text, signal }: Sent): Promise<SendOutcome> {
    const fate = this.fates.get(text);
    if (fate === undefined) throw new Error(`nobody has pushed ${text}`);
    fate.begun.push(this.#events++);
    if (this.clock.now() < fate.notBefore) this.early.push(fate);
    const { outcome, delay } = this.answers.shift() ?? { outcome: delivered, delay: 0 };
    const isEnded = delay > 0 && (await this.#waitFor(delay, signal));
    if (isEnded) return { kind: 'retry', reason: 'ended', isUnreachable: false };
    if (outcome.kind !== 'retry') fate.final++;
    if (outcome.kind === 'delivered') this.deliveries.push(fate);
    return outcome;
  }

  /** True if the signal came first. */
  #waitFor(delay: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      this.clock.after(delay, () => resolve(false));
      signal.addEventListener('abort', () => resolve(true));
    });
  }

  async play(steps: readonly Step[]): Promise<void> {
    const starts = this.#stages.map(({ webPush }) => webPush.start());
    await Promise.race([Promise.all(starts), calm()]);
    for (const one of steps) await this.#play(one);
  }

  async #play(one: Step): Promise<void> {
    if (one.kind === 'push') this.#push(one);
    else if (one.kind === 'withdraw') this.#withdraw(one);
    else if (one.kind === 'pass') await this.stage().pass(one.milliseconds);
    else this.#kill(one.by % this.#stages.length);
  }

  #kill(by: number): void {
    this.stage(by).kill();
    const next = this.open();
    this.#stages[by] = next;
    void next.webPush.start();
  }

  #push({ by, to, topic: which, sender, later, isSealed }: PushStep): void {
    const text = `message ${this.fates.size}`;
    const target = endpoints[to] ?? endpoints[0];
    const topic = topics[which];
    const reference = senders[sender] ?? 'romeo';
    const notBefore = this.clock.now() + (later ?? 0);
    const one = { endpoint: target.endpoint, topic, reference };
    const fate: Fate = {
      ...{ ...one, text, number: this.fates.size, notBefore, beside: new Set(this.#unanswered(one)) },
      ...{
        outcome: undefined,
        begun: [],
        final: 0,
        isUnwanted: this.#isBesideWithdrawal(one),
        withdrawnAt: undefined,
      },
    };
    this.fates.set(text, fate);
    const given = {
      ttl: 1_000_000,
      // The same topic is another one for another account.
      topic: topic && `${topic} of ${reference}`,
      ...(later !== undefined && { notBefore: dawn + notBefore }),
    };
    const what = isSealed ? sealed(text, given) : message(text, given);
    void this.stage(by)
      .push(target, what, reference)
      .then((outcome) => {
        fate.outcome = outcome;
      });
  }

  /** Which of both is first, nobody can say of several processes. */
  #isBesideWithdrawal({ endpoint, reference }: Pick<Fate, 'endpoint' | 'reference'>): boolean {
    const withdrawals = [...this.#withdrawals];
    return (
      !this.#isAlone && withdrawals.some((one) => one.endpoint === endpoint && one.reference === reference)
    );
  }

  #unanswered(one: Pick<Fate, 'endpoint' | 'topic' | 'reference'>): Fate[] {
    return [...this.fates.values()].filter((fate) => fate.outcome === undefined && isOfTopic(fate, one));
  }

  #withdraw({ by, to, sender }: Extract<Step, { kind: 'withdraw' }>): void {
    const reference = senders[sender] ?? 'romeo';
    const { endpoint } = endpoints[to] ?? endpoints[0];
    const withdrawal = { endpoint, reference };
    this.#withdrawals.add(withdrawal);
    const meant = [...this.fates.values()].filter(
      (fate) => fate.endpoint === endpoint && fate.reference === reference,
    );
    for (const fate of meant) fate.isUnwanted = true;
    void this.stage(by)
      .withdraw(endpoint, reference)
      .then(() => {
        this.#withdrawals.delete(withdrawal);
        for (const fate of meant) fate.withdrawnAt ??= this.#events;
      });
  }

  /** All that could be in the way is over. */
  async heal(): Promise<void> {
    this.answers.length = 0;
    this.#failures.length = 0;
    await this.stage().pass(1_500_000);
  }

  /** Whether another message stands for it: a later one, or among several processes one that was on its way beside it. */
  isSuperseded(fate: Fate): boolean {
    const others = [...this.fates.values()].filter((other) => isOfTopic(other, fate));
    return others.some((other) => other.number > fate.number || (!this.#isAlone && fate.beside.has(other)));
  }
}

/** Whether one may replace the other. */
function isOfTopic(fate: Fate, other: Pick<Fate, 'endpoint' | 'topic' | 'reference'>): boolean {
  return (
    fate.topic !== undefined &&
    fate.topic === other.topic &&
    fate.endpoint === other.endpoint &&
    fate.reference === other.reference
  );
}
