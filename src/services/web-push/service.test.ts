import { describe, expect, it } from 'vitest';
import { MemoryPushQueue } from '../../../tests/harness/memory-push-queue.js';
import {
  busy,
  calm,
  dawn,
  delivered,
  gone,
  message,
  pendingAnswer,
  rejected,
  retryAfter,
  subscription,
  tooLarge,
  unreachable,
  webPushStage,
} from '../../../tests/harness/web-push-stage.js';

const laptop = subscription('laptop');
const phone = subscription('phone');
const other = subscription('desk', 'https://other.example.org');

/** With a store to look into. */
function stageWithMemory(options: Omit<Parameters<typeof webPushStage>[0], 'store'> = {}) {
  const memory = new MemoryPushQueue();
  const stage = webPushStage({ ...options, store: memory });
  const rows = () => [...memory.rows.values()];
  return {
    ...stage,
    memory,
    rows,
    waiting: () => rows().map(({ body }) => Buffer.from(body).toString()),
    /** What push services answer from now on. */
    answers: (answer: typeof stage.answer) => {
      stage.answer = answer;
    },
    /** For whom messages are still that have waited. */
    wanted: (isWanted: typeof stage.isWanted) => {
      stage.isWanted = isWanted;
    },
    dropped: () =>
      stage.recorded.flatMap((event) =>
        event.name === 'webPushDropped' ? [`${event.count} ${event.why}`] : [],
      ),
  };
}

/** Messages that are due, each for an endpoint of its own. */
function addMany(memory: MemoryPushQueue, count: number, origin: string, after: number): void {
  memory.fill(
    Array.from({ length: count }, (_, n) => ({
      ...{ endpoint: `${origin}/${n}`, origin, body: Buffer.from('text'), shorter: undefined },
      ...({ urgency: 'normal', topic: undefined, expiresAt: dawn + 90_000_000, attempts: 1 } as const),
      ...{ service: 'notify', reference: `${origin} ${n}`, dueAt: dawn - 10_000 + after + n },
    })),
  );
}

describe('a message for a browser', () => {
  it('is encrypted and sent, and never waits', async () => {
    const { push, sent, memory, recorded } = stageWithMemory();
    const outcome = await push(laptop, message('hello', { urgency: 'high', topic: 'romance', ttl: 60 }));
    expect(outcome).toEqual({ kind: 'delivered' });
    expect(sent.map(({ request }) => request)).toEqual([
      {
        endpoint: laptop.endpoint,
        origin: laptop.origin,
        body: Buffer.from('hello'),
        ttl: 60,
        urgency: 'high',
        topic: 'romance',
      },
    ]);
    expect(memory.calls).not.toContain('add');
    expect(recorded).toEqual([
      {
        name: 'webPushSent',
        origin: laptop.origin,
        service: 'notify',
        outcome: 'delivered',
        attempt: 1,
        seconds: 0,
      },
    ]);
  });

  it('is refused for good, or has nobody to go to, and does not wait either', async () => {
    const { push, answers, rows, settled } = stageWithMemory();
    answers(() => rejected);
    expect(await push(laptop, message('a'))).toEqual(rejected);
    answers(() => gone);
    expect(await push(laptop, message('b'))).toEqual(gone);
    expect(rows()).toEqual([]);
    expect(settled).toEqual([]);
  });

  it('that is too large is sent once more with less in it', async () => {
    const { push, answers, texts } = stageWithMemory();
    answers(({ text }) => (text === 'long' ? tooLarge : delivered));
    expect(await push(laptop, message('long', { shorter: Buffer.from('short') }))).toEqual(delivered);
    expect(texts()).toEqual(['long', 'short']);
  });

  it('that has nothing to leave out, or too much all the same, is rejected', async () => {
    const { push, answers, texts } = stageWithMemory();
    answers(() => tooLarge);
    expect(await push(laptop, message('long'))).toEqual({ ...tooLarge, kind: 'rejected' });
    expect(await push(laptop, message('long', { shorter: Buffer.from('short') }))).toEqual({
      ...tooLarge,
      kind: 'rejected',
    });
    expect(texts()).toEqual(['long', 'long', 'short']);
  });

  it('that cannot be encrypted is told of as what it is', async () => {
    const { push, recorded } = stageWithMemory({
      sealing: () => Promise.reject(new Error('no key')),
    });
    expect(await push(laptop, message('a'))).toEqual({ kind: 'retry', reason: 'internal error' });
    expect(recorded).toMatchObject([{ name: 'handlerFailed', what: 'web push' }]);
  });
});

describe('a message that could not be sent', () => {
  it('is on disk before that is said, with all that is needed', async () => {
    const { push, answers, rows, recorded } = stageWithMemory();
    answers(() => busy);
    const outcome = await push(
      laptop,
      message('hello', { shorter: Buffer.from('hi'), topic: 'romance', urgency: 'low', ttl: 100 }),
    );
    expect(outcome).toEqual({ kind: 'queued', reason: 'status 500' });
    expect(rows()).toMatchObject([
      {
        endpoint: laptop.endpoint,
        origin: laptop.origin,
        body: Buffer.from('hello'),
        shorter: Buffer.from('hi'),
        urgency: 'low',
        topic: 'romance',
        expiresAt: dawn + 100_000,
        dueAt: dawn + 1_500,
        attempts: 1,
        service: 'notify',
        reference: 'romeo',
      },
    ]);
    expect(recorded.at(-1)).toEqual({
      name: 'webPushQueued',
      origin: laptop.origin,
      service: 'notify',
      reason: 'status 500',
    });
  });

  it('is tried again, later and later, with what is left of its time, until it arrives', async () => {
    const { webPush, push, answers, sent, rows, settled, pass, recorded } = stageWithMemory();
    await webPush.start();
    answers((one) => (one.at < 60_000 ? busy : delivered));
    await push(laptop, message('hello', { ttl: 300 }));
    expect(settled).toEqual([]);
    await pass(200_000);
    const gaps = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0));
    expect(gaps).toHaveLength(6);
    for (const [index, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThanOrEqual(1_000 * 2 ** index);
      expect(gap).toBeLessThan(2_000 * 2 ** index + 200);
    }
    expect(sent.map(({ request, at }) => request.ttl + Math.floor(at / 1_000))).toEqual(Array(7).fill(300));
    expect(rows()).toEqual([]);
    expect(settled).toEqual([{ endpoint: laptop.endpoint, reference: 'romeo', outcome: delivered }]);
    const attempts = recorded.flatMap((event) => (event.name === 'webPushSent' ? [event.attempt] : []));
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('waits as long as its push service has asked for, and so does what comes meanwhile', async () => {
    const { webPush, push, answers, texts, pass, rows } = stageWithMemory();
    await webPush.start();
    answers(() => retryAfter(600));
    expect(await push(laptop, message('a'))).toMatchObject({ kind: 'queued' });
    answers(() => delivered);
    expect(await push(laptop, message('b'))).toEqual({
      kind: 'queued',
      reason: 'push service has asked to wait',
    });
    expect(await push(phone, message('c'))).toEqual(delivered);
    await pass(599_000);
    expect(texts()).toEqual(['a', 'c']);
    await pass(70_000);
    expect(texts().toSorted()).toEqual(['a', 'a', 'b', 'c']);
    expect(rows()).toEqual([]);
  });

  it('waits no longer than an hour, nor less than a second, whatever was asked for', async () => {
    const { push, answers, rows } = stageWithMemory();
    answers(() => retryAfter(1_000_000));
    await push(laptop, message('a', { ttl: 100_000 }));
    answers(() => retryAfter(0));
    await push(phone, message('b'));
    const [hour = 0, second = 0] = rows().map(({ dueAt }) => dueAt - dawn);
    expect(hour).toBeGreaterThanOrEqual(3_600_000);
    expect(hour).toBeLessThan(3_960_000);
    expect(second).toBeGreaterThanOrEqual(1_000);
    expect(second).toBeLessThan(1_100);
  });

  it('is not kept if it would be of no use any more', async () => {
    const { push, answers, rows } = stageWithMemory();
    answers(() => retryAfter(60));
    expect(await push(laptop, message('ring', { ttl: 60 }))).toEqual({
      kind: 'retry',
      reason: 'status 429',
      after: 60,
    });
    expect(rows()).toEqual([]);
  });

  it('is dropped when its time is over', async () => {
    const { webPush, push, answers, rows, pass, dropped, settled, sent } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('ring', { ttl: 10 }));
    await pass(20_000);
    expect(sent.every(({ at }) => at < 10_000)).toBe(true);
    expect(rows()).toEqual([]);
    expect(dropped()).toEqual(['1 expired']);
    expect(settled).toEqual([]);
  });

  it('is told of when it is refused at last, or has nobody to go to; then nothing else goes there', async () => {
    const { webPush, push, answers, settled, pass, texts, rows } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('a'));
    await push(laptop, message('b'));
    await push(phone, message('c'));
    answers(({ request }) => (request.endpoint === phone.endpoint ? rejected : gone));
    await pass(60_000);
    expect(settled).toHaveLength(new Set(settled.map(({ endpoint }) => endpoint)).size + 1);
    expect(settled.filter(({ outcome }) => outcome.kind === 'rejected')).toHaveLength(1);
    expect(rows()).toEqual([]);
    expect(texts().length).toBeLessThanOrEqual(6);
  });

  it('goes with less in it, if it is too large then', async () => {
    const { webPush, push, answers, texts, pass } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('long', { shorter: Buffer.from('short') }));
    answers(({ text }) => (text === 'long' ? tooLarge : delivered));
    await pass(5_000);
    expect(texts()).toEqual(['long', 'long', 'short']);
  });

  it('is given back, where there is no room for it', async () => {
    const { push, answers, rows, dropped } = stageWithMemory({ maxWaiting: 1 });
    answers(() => busy);
    expect(await push(laptop, message('a'))).toMatchObject({ kind: 'queued' });
    expect(await push(phone, message('b'))).toEqual({ kind: 'retry', reason: 'too many wait' });
    expect(rows()).toHaveLength(1);
    expect(dropped()).toEqual(['1 full']);
  });

  it('is given back, where the store fails', async () => {
    const { push, answers, memory, recorded } = stageWithMemory();
    answers(() => busy);
    memory.failure = new Error('disk full');
    expect(await push(laptop, message('a'))).toEqual({ kind: 'retry', reason: 'status 500' });
    expect(recorded.map(({ name }) => name)).toEqual(['webPushSent', 'storageFailed']);
  });

  it('goes into the queue if whoever sends it ends it', async () => {
    const { push, answers, waiting } = stageWithMemory();
    const end = new AbortController();
    answers(({ signal }) => pendingAnswer(signal).answer);
    const outcome = push(laptop, message('a'), 'romeo', end.signal);
    await calm();
    end.abort();
    expect(await outcome).toEqual({ kind: 'queued', reason: 'ended' });
    expect(waiting()).toEqual(['a']);
    expect(await push(laptop, message('b'), 'romeo', end.signal)).toMatchObject({ kind: 'queued' });
    expect(waiting()).toEqual(['a', 'b']);
  });
});

describe('a newer message of a topic', () => {
  const romance = { topic: 'romance' };

  it('replaces the older one in the queue', async () => {
    const { push, answers, waiting, dropped } = stageWithMemory();
    answers(() => busy);
    await push(laptop, message('old', romance));
    await push(laptop, message('new', romance));
    expect(waiting()).toEqual(['new']);
    expect(dropped()).toEqual(['1 superseded']);
  });

  it('that has arrived leaves nothing of the older one', async () => {
    const { webPush, push, answers, waiting, texts, dropped, pass } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('old', romance));
    await push(laptop, message('war', { topic: 'war' }));
    await push(phone, message('phone', romance));
    answers(() => delivered);
    await push(laptop, message('new', romance));
    expect(waiting()).toEqual(['war', 'phone']);
    expect(dropped()).toEqual(['1 superseded']);
    await pass(10_000);
    expect(texts().slice(3)).toEqual(['new', 'war', 'phone']);
  });

  it('goes after the older one that is under way, and comes last', async () => {
    const { push, answers, texts, waiting } = stageWithMemory();
    const first = pendingAnswer();
    answers(({ text }) => (text === 'old' ? first.answer : delivered));
    const old = push(laptop, message('old', romance));
    const newer = push(laptop, message('new', romance));
    expect(await push(laptop, message('other', { topic: 'war' }))).toEqual(delivered);
    expect(texts()).toEqual(['old', 'other']);
    first.give(busy);
    expect(await old).toMatchObject({ kind: 'queued' });
    expect(await newer).toEqual(delivered);
    expect(waiting()).toEqual([]);
  });

  it('keeps its place, however long each takes to encrypt', async () => {
    const times = [3, 1, 2];
    const { push, texts } = stageWithMemory({
      async sealing() {
        const turns = times.shift() ?? 0;
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      },
    });
    await Promise.all(['a', 'b', 'c'].map((text) => push(laptop, message(text, romance))));
    expect(texts()).toEqual(['a', 'b', 'c']);
  });

  it('lets no older one go that was claimed and has not begun', async () => {
    const { webPush, push, answers, texts, pass, waiting } = stageWithMemory();
    answers(() => busy);
    await push(laptop, message('old', romance));
    const first = pendingAnswer();
    answers(({ text }) => (text === 'new' ? first.answer : delivered));
    const newer = push(laptop, message('new', romance));
    await pass(3_000);
    await webPush.start();
    await calm();
    expect(texts()).toEqual(['old', 'new']);
    first.give(delivered);
    expect(await newer).toEqual(delivered);
    await pass(10_000);
    expect(texts()).toEqual(['old', 'new']);
    expect(waiting()).toEqual([]);
  });

  it('is not taken by what becomes of the older one that is under way', async () => {
    const { webPush, push, answers, texts, pass, waiting, settled } = stageWithMemory();
    await webPush.start();
    answers(() => retryAfter(1));
    await push(laptop, message('old', romance));
    const first = pendingAnswer();
    answers(() => first.answer);
    await pass(1_200);
    expect(texts()).toEqual(['old', 'old']);
    const newer = push(laptop, message('new', romance));
    first.give(busy);
    answers(() => busy);
    expect(await newer).toMatchObject({ kind: 'queued' });
    expect(waiting()).toEqual(['new']);
    answers(() => delivered);
    await pass(60_000);
    expect(settled).toHaveLength(1);
    expect(texts().slice(2)).toEqual(['new', 'new']);
  });

  it('does not come by the dozen at once', async () => {
    const { push, answers } = stageWithMemory();
    const all = pendingAnswer();
    answers(() => all.answer);
    const outcomes = Array.from({ length: 25 }, (_, n) => push(laptop, message(String(n), romance)));
    await calm();
    all.give(delivered);
    const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'delivered')).toHaveLength(20);
    expect(kinds.filter((kind) => kind === 'retry')).toHaveLength(5);
  });
});

describe('messages that are withdrawn', () => {
  it('wait no longer, at one endpoint or anywhere, by their sender alone', async () => {
    const { push, answers, withdraw, waiting, dropped } = stageWithMemory();
    answers(() => busy);
    await push(laptop, message('a'));
    await push(phone, message('b'));
    await push(laptop, message('c'), 'benvolio');
    await withdraw(laptop.endpoint);
    expect(waiting()).toEqual(['b', 'c']);
    await withdraw(undefined);
    expect(waiting()).toEqual(['c']);
    await withdraw(undefined);
    expect(dropped()).toEqual(['1 withdrawn', '1 withdrawn']);
  });

  it('do not get into the queue, if they were under way', async () => {
    const { push, answers, withdraw, waiting } = stageWithMemory();
    const first = pendingAnswer();
    answers(() => first.answer);
    const outcome = push(laptop, message('a'));
    const held = push(laptop, message('b', { topic: 'romance' }));
    const line = push(laptop, message('c', { topic: 'romance' }));
    await calm();
    await withdraw(laptop.endpoint);
    const later = push(laptop, message('d'));
    first.give(busy);
    const all = await Promise.all([outcome, held, line, later]);
    expect(all.map(({ kind }) => kind)).toEqual(['retry', 'retry', 'retry', 'queued']);
    expect(waiting()).toEqual(['d']);
  });

  it('or should have been, for nobody is there any more, are not sent when it is their turn', async () => {
    const stage = stageWithMemory();
    await stage.webPush.start();
    stage.answers(() => busy);
    await stage.push(laptop, message('a'));
    await stage.push(phone, message('b'));
    stage.wanted(async ({ endpoint, reference }) => endpoint !== laptop.endpoint && reference === 'romeo');
    stage.answers(() => delivered);
    await stage.pass(10_000);
    expect(stage.texts()).toEqual(['a', 'b', 'b']);
    expect(stage.rows()).toEqual([]);
    expect(stage.dropped()).toEqual(['1 withdrawn']);
    expect(stage.settled.map(({ endpoint }) => endpoint)).toEqual([phone.endpoint]);
  });

  it('or not, which nobody can say, wait until somebody can', async () => {
    const stage = stageWithMemory();
    await stage.webPush.start();
    stage.answers(() => busy);
    await stage.push(laptop, message('a'));
    stage.wanted(() => Promise.reject(new Error('locked')));
    stage.answers(() => delivered);
    await stage.pass(60_000);
    expect([stage.texts(), stage.waiting()]).toEqual([['a'], ['a']]);
    expect(stage.recorded).toContainEqual({
      name: 'storageFailed',
      what: 'web push queue',
      error: new Error('locked'),
    });
    stage.wanted(async () => true);
    await stage.pass(10_000);
    expect([stage.texts(), stage.waiting()]).toEqual([['a', 'a'], []]);
  });

  it('are not tried again, if they were claimed', async () => {
    const { webPush, push, answers, withdraw, rows, texts, pass } = stageWithMemory();
    await webPush.start();
    answers(() => busy);
    await push(laptop, message('a'));
    const first = pendingAnswer();
    answers(() => first.answer);
    await pass(3_000);
    expect(texts()).toEqual(['a', 'a']);
    await withdraw(undefined);
    first.give(busy);
    await pass(60_000);
    expect(texts()).toEqual(['a', 'a']);
    expect(rows()).toEqual([]);
  });

  it('cost the store nothing, if nothing waits', async () => {
    const { webPush, push, withdraw, memory } = stageWithMemory();
    await webPush.start();
    memory.calls.length = 0;
    await push(laptop, message('a', { topic: 'romance' }));
    await withdraw(laptop.endpoint);
    expect(memory.calls).toEqual([]);
  });

  it('are reported where the store fails, and no more', async () => {
    const { push, answers, withdraw, memory, recorded } = stageWithMemory();
    answers(() => busy);
    await push(laptop, message('a'));
    memory.failure = new Error('disk full');
    await withdraw(undefined);
    expect(recorded.at(-1)).toMatchObject({ name: 'storageFailed' });
  });
});

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
