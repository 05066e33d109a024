import { describe, expect, it } from 'vitest';
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
  stageWithMemory,
  subscription,
  tooLarge,
} from '../../../tests/harness/web-push-stage.js';

const laptop = subscription('laptop');
const phone = subscription('phone');

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

  it('is as long as others of about its length', async () => {
    const { push, sealedSizes, answers } = stageWithMemory();
    for (const length of [1, 256, 257, 2_800, 2_847, 2_848, 3_993]) {
      await push(laptop, message('x'.repeat(length)));
    }
    expect(sealedSizes).toEqual([256, 256, 512, 2_816, 2_847, 2_848, 3_993]);
    answers(({ text }) => (text === 'long' ? tooLarge : delivered));
    await push(laptop, message('long', { shorter: Buffer.from('less') }));
    expect(sealedSizes.slice(-2)).toEqual([256, 4]);
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
