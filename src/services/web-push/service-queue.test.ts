import { describe, expect, it } from 'vitest';
import { MemoryPushQueue } from '../../../tests/harness/memory-push-queue.js';
import {
  busy,
  calm,
  dawn,
  delivered,
  message,
  pendingAnswer,
  stageWithMemory,
  subscription,
  unreachable,
  webPushStage,
} from '../../../tests/harness/web-push-stage.js';

const laptop = subscription('laptop');
const phone = subscription('phone');
const other = subscription('desk', 'https://other.example.org');

/** Messages that are due, each for an endpoint of its own. */
function addMany(memory: MemoryPushQueue, count: number, origin: string, after: number): void {
  memory.fill(
    Array.from({ length: count }, (_, n) => ({
      ...{
        endpoint: `${origin}/${n}`,
        origin,
        body: Buffer.from('text'),
        shorter: undefined,
        authorization: undefined,
      },
      ...({ urgency: 'normal', topic: undefined, expiresAt: dawn + 90_000_000, attempts: 1 } as const),
      ...{ service: 'notify', reference: `${origin} ${n}`, dueAt: dawn - 10_000 + after + n },
    })),
  );
}

/** Says of each claim that passes over something how many milliseconds back it looks for what is due. */
class WatchedQueue extends MemoryPushQueue {
  readonly depths: number[] = [];

  override claim(...args: Parameters<MemoryPushQueue['claim']>) {
    const [now, , , except = [], upTo = 0] = args;
    if (except.length > 0) this.depths.push(now - upTo);
    return super.claim(...args);
  }
}

describe('a push service that is not there', () => {
  it('is left alone, and what comes for it waits without an attempt; others are not kept up', async () => {
    const { push, answers, texts, recorded } = stageWithMemory();
    answers(({ request }) => (request.origin === laptop.origin ? unreachable : delivered));
    expect(await push(laptop, message('a'))).toEqual({ kind: 'queued', reason: 'no connection' });
    for (const text of ['b', 'c']) {
      expect(await push(phone, message(text))).toEqual({
        kind: 'queued',
        reason: 'push service is not reached',
      });
    }
    expect(await push(other, message('d'))).toEqual(delivered);
    expect(texts()).toEqual(['a', 'd']);
    const held = recorded.filter(({ name }) => name === 'webPushOriginHeld');
    expect(held).toEqual([
      { name: 'webPushOriginHeld', origin: laptop.origin, seconds: 1.5, reason: 'no connection' },
    ]);
  });

  it('is asked by one message at a time whether it is back, less and less often, and then gets all', async () => {
    const { webPush, push, answers, sent, rows, pass, settled } = stageWithMemory();
    await webPush.start();
    answers(() => unreachable);
    for (let n = 0; n < 40; n++) {
      await push(subscription(`n${n}`), message(String(n), { ttl: 100_000 }));
    }
    await pass(1_200_000);
    const times = sent.map(({ at }) => at);
    expect(times.length).toBeLessThan(15);
    expect(new Set(times).size).toBe(times.length);
    answers(() => delivered);
    await pass(700_000);
    expect(rows()).toEqual([]);
    expect(settled).toHaveLength(40);
    expect(sent).toHaveLength(times.length + 40);
  });

  it('is back as soon as it answers, whatever it says', async () => {
    const { push, answers, pass } = stageWithMemory();
    answers(() => unreachable);
    await push(laptop, message('a'));
    answers(() => busy);
    await pass(1_500);
    expect(await push(laptop, message('b'))).toEqual({ kind: 'queued', reason: 'status 500' });
    answers(() => delivered);
    expect(await push(laptop, message('c'))).toEqual(delivered);
  });

  it('is asked by no second one while the first is under way, nor less for one that was ended', async () => {
    const { push, answers, pass, texts } = stageWithMemory();
    answers(() => unreachable);
    await push(laptop, message('a'));
    await pass(1_500);
    answers(({ signal }) => pendingAnswer(signal).answer);
    const end = new AbortController();
    const probe = push(laptop, message('b'), 'romeo', end.signal);
    await calm();
    expect(await push(laptop, message('c'))).toMatchObject({ kind: 'queued' });
    end.abort();
    await probe;
    const second = pendingAnswer();
    answers(() => second.answer);
    const next = push(laptop, message('d'));
    await calm();
    expect(await push(laptop, message('e'))).toMatchObject({ kind: 'queued' });
    second.give(delivered);
    expect(await next).toEqual(delivered);
    expect(texts()).toEqual(['a', 'b', 'd']);
  });

  it('does not keep up those that wait for others, however many wait for it', async () => {
    const { webPush, memory, answers, pass, sent } = stageWithMemory();
    addMany(memory, 1_500, 'https://dead.example', 0);
    addMany(memory, 20, 'https://live.example', 5_000);
    answers(({ request, signal }) =>
      request.origin === 'https://dead.example' ? pendingAnswer(signal).answer : delivered,
    );
    void webPush.start();
    await pass(3_000);
    const countOf = (origin: string) => sent.filter(({ request }) => request.origin === origin).length;
    expect(countOf('https://live.example')).toBe(20);
    expect(countOf('https://dead.example')).toBe(32);
  });

  it('costs nothing while it is not there, however much waits for it, and gets it all when it is', async () => {
    const { webPush, memory, answers, pass, sent, rows } = stageWithMemory({ maxWaiting: 10_000 });
    addMany(memory, 5_000, 'https://dead.example', 0);
    addMany(memory, 20, 'https://live.example', 9_000);
    answers(({ request }) => (request.origin === 'https://dead.example' ? unreachable : delivered));
    void webPush.start();
    await pass(1_000);
    expect(rows().map(({ origin }) => origin)).not.toContain('https://live.example');
    await pass(600_000);
    const untouched = rows().filter(({ dueAt }) => dueAt < dawn);
    expect(untouched.length).toBeGreaterThan(3_000);
    expect(memory.calls.length).toBeLessThan(300);
    sent.length = 0;
    answers(() => delivered);
    await pass(600_000);
    expect(rows()).toEqual([]);
    expect(sent).toHaveLength(5_000);
  });

  it('is passed over without a look at all that waits for it', async () => {
    const store = new WatchedQueue();
    const stage = webPushStage({ store });
    addMany(store, 3, laptop.origin, 0);
    stage.answer = ({ request }) => (request.origin === laptop.origin ? unreachable : busy);
    void stage.webPush.start();
    await stage.pass(600_000);
    for (let n = 0; n < 40; n++) await stage.push(subscription(`${n}`, other.origin), message('text'));
    store.depths.length = 0;
    await stage.pass(60_000);
    expect(store.depths.length).toBeGreaterThan(3);
    expect(store.depths.filter((depth) => depth > 60_000)).toEqual([]);
  });

  it('does not keep them up with many others like it either', async () => {
    const { webPush, memory, answers, pass, sent } = stageWithMemory();
    for (let n = 0; n < 10; n++) addMany(memory, 280, `https://dead${n}.example`, n * 280);
    addMany(memory, 20, 'https://live.example', 5_000);
    answers(({ request, signal }) =>
      request.origin === 'https://live.example' ? delivered : pendingAnswer(signal).answer,
    );
    void webPush.start();
    await pass(5_000);
    expect(sent.filter(({ request }) => request.origin === 'https://live.example')).toHaveLength(20);
  });
});

describe('the queue', () => {
  it('takes up what waited before', async () => {
    const before = stageWithMemory();
    before.answers(() => busy);
    await before.push(laptop, message('a'));
    const after = webPushStage({ store: before.memory, clock: before.clock });
    await after.webPush.start();
    await after.pass(5_000);
    expect(after.texts()).toEqual(['a']);
    expect(after.settled).toHaveLength(1);
  });

  it('takes up at once what a process had claimed that is no more, if it is alone', async () => {
    const memory = new MemoryPushQueue();
    const before = webPushStage({ store: memory });
    await before.webPush.start();
    before.answer = () => busy;
    await before.push(laptop, message('a'));
    before.answer = () => new Promise(() => undefined);
    await before.pass(5_000);
    expect(before.texts()).toEqual(['a', 'a']);
    const { clock } = before;
    const one = webPushStage({ store: memory, clock, isAlone: false });
    void one.webPush.start();
    await one.pass(5_000);
    expect(one.texts()).toEqual([]);
    const two = webPushStage({ store: memory, clock });
    void two.webPush.start();
    await two.pass(5_000);
    expect(two.texts()).toEqual(['a']);
  });

  it('is looked at now and then, if others put something into it', async () => {
    const memory = new MemoryPushQueue();
    const one = webPushStage({ store: memory, isAlone: false });
    await one.webPush.start();
    const two = webPushStage({ store: memory, clock: one.clock, isAlone: false });
    two.answer = () => busy;
    await two.push(laptop, message('a'));
    await one.pass(16_000);
    expect(one.texts()).toEqual(['a']);
  });

  it('sends nothing twice that was answered, though the store cannot take note of it', async () => {
    const { webPush, push, answers, memory, pass, texts, rows, settled } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('a'));
    const first = pendingAnswer();
    answers(() => first.answer);
    await pass(2_000);
    memory.failure = new Error('disk full');
    first.give(delivered);
    await pass(200_000);
    expect(rows()).toHaveLength(1);
    memory.failure = undefined;
    await pass(200_000);
    expect(rows()).toEqual([]);
    expect(texts()).toEqual(['a', 'a']);
    expect(settled).toHaveLength(1);
  });

  it('goes on when the store has failed', async () => {
    const { webPush, push, answers, memory, pass, texts, recorded } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('a'));
    memory.failure = new Error('disk full');
    await pass(20_000);
    expect(recorded.filter(({ name }) => name === 'storageFailed').length).toBeLessThan(6);
    memory.failure = undefined;
    answers(() => delivered);
    await pass(10_000);
    expect(texts()).toEqual(['a', 'a']);
  });

  it('sets no alarm when it is empty', async () => {
    const { webPush, push, answers, clock, pass } = stageWithMemory();
    await webPush.start();
    expect(clock.pending).toEqual([]);
    answers(() => busy);
    await push(laptop, message('a'));
    expect(clock.pending).toHaveLength(1);
    answers(() => delivered);
    await pass(10_000);
    await pass(300_000);
    expect(clock.pending).toEqual([]);
    expect(await webPush.waiting()).toBe(0);
  });

  it('keeps no more than twenty for an endpoint, the newest ones', async () => {
    const { push, answers, waiting, dropped } = stageWithMemory();
    answers(() => busy);
    for (let n = 0; n < 25; n++) await push(laptop, message(String(n)));
    expect(waiting()).toEqual(Array.from({ length: 20 }, (_, n) => String(n + 5)));
    expect(dropped()).toEqual(Array(5).fill('1 too many'));
  });
});

describe('a stop', () => {
  it('waits for answers, but five seconds at most; what is unanswered is in the queue, and due', async () => {
    const { webPush, push, answers, rows, clock, pass, memory } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('queued'));
    const quick = pendingAnswer();
    answers(({ text, signal }) => (text === 'quick' ? quick.answer : pendingAnswer(signal).answer));
    await pass(3_000);
    const outcomes = [push(phone, message('quick')), push(phone, message('slow'))];
    await calm();
    let isStopped = false;
    const stopped = webPush.stop().then(() => {
      isStopped = true;
    });
    quick.give(delivered);
    await pass(4_900);
    expect(isStopped).toBe(false);
    await pass(200);
    await stopped;
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(['delivered', 'queued']);
    expect(rows().map(({ body, attempts }) => [Buffer.from(body).toString(), attempts])).toEqual([
      ['queued', 1],
      ['slow', 1],
    ]);
    expect(rows().every(({ dueAt, isClaimed }) => !isClaimed && dueAt <= dawn + clock.now())).toBe(true);
    expect(clock.pending).toEqual([]);
    memory.calls.length = 0;
    await pass(600_000);
    expect(memory.calls).toEqual([]);
  });

  it('does not wait where nothing is under way', async () => {
    const { webPush, clock } = stageWithMemory();
    await webPush.start();
    await webPush.stop();
    expect(clock.pending).toEqual([]);
  });

  it('sends nothing that comes after it', async () => {
    const { webPush, push, texts, waiting } = stageWithMemory();
    await webPush.start();
    await webPush.stop();
    expect(await push(laptop, message('a'))).toEqual({ kind: 'queued', reason: 'ended' });
    expect(texts()).toEqual([]);
    expect(waiting()).toEqual(['a']);
  });

  it('ends when the store fails', async () => {
    const { webPush, push, answers, memory, pass } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('a'));
    answers(({ signal }) => pendingAnswer(signal).answer);
    await pass(3_000);
    memory.failure = new Error('disk full');
    const stopped = webPush.stop();
    await pass(6_000);
    await stopped;
    memory.failure = undefined;
  });
});
