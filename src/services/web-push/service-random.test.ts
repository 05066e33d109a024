import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../tests/harness/fake-clock.js';
import { MemoryPushQueue } from '../../../tests/harness/memory-push-queue.js';
import { scriptedPushQueue } from '../../../tests/harness/scripted-push-queue.js';
import {
  busy,
  calm,
  delivered,
  message,
  rejected,
  retryAfter,
  type Sent,
  subscription,
  unreachable,
  webPushStage,
} from '../../../tests/harness/web-push-stage.js';
import type { SendOutcome } from '../../web-push/request.js';
import type { PushOutcome } from './web-push.js';

const endpoints = [
  subscription('a', 'https://one.example'),
  subscription('b', 'https://one.example'),
  subscription('c', 'https://two.example'),
] as const;
const topics = [undefined, 'romance', 'war'] as const;
const senders = ['romeo', 'benvolio'] as const;

type Step =
  | { readonly kind: 'push'; readonly to: number; readonly topic: number; readonly sender: number }
  | { readonly kind: 'withdraw'; readonly to: number; readonly sender: number }
  | { readonly kind: 'pass'; readonly milliseconds: number }
  | { readonly kind: 'kill' };

const index = fc.integer({ min: 0, max: 2 });
const step = (mayKill: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('push' as const),
        to: index,
        topic: index,
        sender: fc.nat(1),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('withdraw' as const), to: index, sender: fc.nat(1) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        milliseconds: fc.constantFrom(0, 1, 50, 1_000, 3_000, 40_000),
      }),
    },
    { weight: mayKill ? 1 : 0, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
  );

/** How a request ends, and how many milliseconds later. */
const answer = fc.record({
  outcome: fc.constantFrom<SendOutcome>(
    delivered,
    delivered,
    rejected,
    busy,
    busy,
    retryAfter(3),
    unreachable,
  ),
  delay: fc.constantFrom(0, 0, 1, 500, 9_000),
});

/** One that was pushed, and what became of it. */
interface Fate {
  readonly text: string;
  readonly number: number;
  readonly endpoint: string;
  readonly topic: string | undefined;
  readonly reference: string;
  outcome: PushOutcome | undefined;
  /** Requests that were begun, and those that were answered for good. */
  readonly begun: number[];
  final: number;
  isUnwanted: boolean;
  /** It is not to be begun after that many events. */
  withdrawnAt: number | undefined;
}

class World {
  readonly clock = new FakeClock();
  readonly memory = new MemoryPushQueue();
  readonly fates = new Map<string, Fate>();
  readonly deliveries: Fate[] = [];
  /** How the next requests end, then all are taken. */
  readonly answers: { readonly outcome: SendOutcome; readonly delay: number }[];
  /** Turns of the event loop that each call of the store takes; over and over. */
  readonly #delays: readonly number[];
  /** How calls of the store end: 1 fails before it is done, 2 after; then all succeed. */
  readonly #failures: number[];
  #calls = 0;
  #events = 0;
  stage = this.#open();

  constructor({
    answers,
    delays,
    failures,
  }: { answers: World['answers']; delays: number[]; failures: number[] }) {
    this.answers = [...answers];
    this.#delays = delays;
    this.#failures = [...failures];
    this.stage = this.#open();
  }

  #open() {
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
    const stage = webPushStage({ store, clock: this.clock });
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
    await Promise.race([this.stage.webPush.start(), calm()]);
    for (const one of steps) await this.#play(one);
  }

  async #play(one: Step): Promise<void> {
    if (one.kind === 'push') this.#push(one);
    else if (one.kind === 'withdraw') this.#withdraw(one);
    else if (one.kind === 'pass') await this.stage.pass(one.milliseconds);
    else {
      this.stage.kill();
      this.stage = this.#open();
      void this.stage.webPush.start();
    }
  }

  #push({ to, topic: which, sender }: Extract<Step, { kind: 'push' }>): void {
    const text = `message ${this.fates.size}`;
    const target = endpoints[to] ?? endpoints[0];
    const topic = topics[which];
    const reference = senders[sender] ?? 'romeo';
    const fate: Fate = {
      ...{ text, number: this.fates.size, endpoint: target.endpoint, topic, reference },
      ...{ outcome: undefined, begun: [], final: 0, isUnwanted: false, withdrawnAt: undefined },
    };
    this.fates.set(text, fate);
    // The same topic is another one for another account.
    const what = message(text, { ttl: 1_000_000, topic: topic && `${topic} of ${reference}` });
    void this.stage.push(target, what, reference).then((outcome) => {
      fate.outcome = outcome;
    });
  }

  #withdraw({ to, sender }: Extract<Step, { kind: 'withdraw' }>): void {
    const reference = senders[sender] ?? 'romeo';
    const endpoint = endpoints[to]?.endpoint;
    const meant = [...this.fates.values()].filter(
      (fate) => fate.endpoint === endpoint && fate.reference === reference,
    );
    for (const fate of meant) fate.isUnwanted = true;
    void this.stage.withdraw(endpoint, reference).then(() => {
      for (const fate of meant) fate.withdrawnAt ??= this.#events;
    });
  }

  /** All that could be in the way is over. */
  async heal(): Promise<void> {
    this.answers.length = 0;
    this.#failures.length = 0;
    await this.stage.pass(1_500_000);
  }

  /** Whether a later message stands for it. */
  isSuperseded(fate: Fate): boolean {
    return [...this.fates.values()].some(
      (newer) =>
        newer.number > fate.number &&
        fate.topic !== undefined &&
        newer.topic === fate.topic &&
        newer.endpoint === fate.endpoint &&
        newer.reference === fate.reference,
    );
  }
}

function expectNothingLost(world: World): void {
  for (const fate of world.fates.values()) {
    if (fate.outcome?.kind !== 'queued' || fate.isUnwanted || world.isSuperseded(fate)) continue;
    expect(fate.final, `${fate.text} was queued`).toBeGreaterThan(0);
  }
}

const steps = (mayKill: boolean) => fc.array(step(mayKill), { minLength: 1, maxLength: 40 });
const delays = fc.array(fc.nat(5), { maxLength: 12 });
const answers = fc.array(answer, { maxLength: 40 });
const failures = fc.array(fc.constantFrom(0, 0, 0, 0, 1, 2), { maxLength: 60 });

describe('whatever happens', () => {
  it('and however slow the store is: nothing is lost, nothing comes twice, too late or after a newer one', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), answers, delays, async (script, outcomes, turns) => {
        const world = new World({ answers: outcomes, delays: turns, failures: [] });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        for (const fate of world.fates.values()) {
          expect(fate.outcome, fate.text).toBeDefined();
          expect(fate.final, `final answers of ${fate.text}`).toBeLessThanOrEqual(1);
          const { withdrawnAt = Number.POSITIVE_INFINITY } = fate;
          expect(
            fate.begun.filter((at) => at >= withdrawnAt),
            `${fate.text} after its withdrawal`,
          ).toEqual([]);
        }
        const newest = new Map<string, number>();
        for (const { endpoint, topic, reference, number, text } of world.deliveries) {
          if (topic === undefined) continue;
          const key = `${endpoint} ${topic} ${reference}`;
          expect(newest.get(key) ?? -1, `delivered before ${text}`).toBeLessThan(number);
          newest.set(key, number);
        }
        expect([...world.memory.rows.values()]).toEqual([]);
        expect(world.stage.recorded.filter(({ name }) => name === 'handlerFailed')).toEqual([]);
      }),
      { numRuns: 120 },
    );
  });

  it('and wherever the store fails: nothing is lost, and nothing comes again that was answered', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), answers, delays, failures, async (script, outcomes, turns, fails) => {
        const world = new World({ answers: outcomes, delays: turns, failures: fails });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        for (const { text, final } of world.fates.values()) {
          expect(final, `final answers of ${text}`).toBeLessThanOrEqual(1);
        }
        expect([...world.memory.rows.values()]).toEqual([]);
        expect(world.stage.recorded.filter(({ name }) => name === 'handlerFailed')).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('and whenever the process is killed: what it has acknowledged arrives', async () => {
    await fc.assert(
      fc.asyncProperty(steps(true), answers, delays, failures, async (script, outcomes, turns, fails) => {
        const world = new World({ answers: outcomes, delays: turns, failures: fails });
        await world.play(script);
        await world.heal();
        expectNothingLost(world);
        expect([...world.memory.rows.values()]).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('and whenever it is stopped: all that it has not delivered is in the store, and due', async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), answers, delays, async (script, outcomes, turns) => {
        const world = new World({ answers: outcomes, delays: turns, failures: [] });
        await world.play(script);
        let isStopped = false;
        void world.stage.webPush.stop().then(() => {
          isStopped = true;
        });
        for (let part = 0; part < 40; part++) await world.stage.pass(250);
        expect(isStopped).toBe(true);
        const inStore = new Set(
          [...world.memory.rows.values()].map(({ body }) => Buffer.from(body).toString()),
        );
        expect([...world.memory.rows.values()].filter(({ isClaimed }) => isClaimed)).toEqual([]);
        for (const fate of world.fates.values()) {
          expect(fate.outcome, fate.text).toBeDefined();
          if (fate.outcome?.kind !== 'queued' || fate.isUnwanted) continue;
          if (fate.final > 0 || world.isSuperseded(fate)) continue;
          expect(inStore, fate.text).toContain(fate.text);
        }
        expect(world.clock.pending.filter((delay) => delay > 9_000)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
